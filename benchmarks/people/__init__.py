"""What is learned from real people's activity, published by others; evaluation only, never shipped.

The sets lie outside the project, in the folder that ``DESKBOUND_DATA`` or ``--data`` names.
"""
