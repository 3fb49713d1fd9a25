"""A whole fleet in one machine: the server's and the laptop's own code, on Flower's engine.

It stands above client and server, and nothing stands on it: what is simulated here (memory instead
of vaults, seeded bits instead of the system's, a clock that jumps) cannot be reached from there.
"""
