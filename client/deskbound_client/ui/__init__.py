"""The employee's pages: served to this machine alone, while the employee has them open."""
