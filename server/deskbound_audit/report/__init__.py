"""The report on a fleet: what its laptops gave away, and what of it was checked."""
