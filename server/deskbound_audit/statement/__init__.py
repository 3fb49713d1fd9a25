"""The papers a privacy team has to write, filled in from a policy floor, ledgers and a plan.

No number is typed into a text: each comes from a file that was given, from an accountant, or from a
constant of the code. The texts are the files in ``texts/``.
"""
