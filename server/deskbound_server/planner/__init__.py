"""The planner: what noise, cohort and rounds follow from a fleet and an epsilon.

Pure, but for the command that asks and the picture that is drawn. Figures of privacy come from the
code that decides later; figures of utility from measurements, with their error (``measured.py``).
"""
