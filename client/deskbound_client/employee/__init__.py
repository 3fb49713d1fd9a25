"""What an employee can ask and do, as plain functions; command line and pages are two doors to it.

Questions return values, deeds return receipts. Nothing here prints, asks or knows of a page.
"""
