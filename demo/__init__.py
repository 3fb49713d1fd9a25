"""The demonstration: three laptops on one machine, driven only through Deskbound's own commands."""
