"""The laptop's side of federation: the only part of the client that talks Flower.

``participant`` decides what to answer, ``laptop`` gives it vault, budget and training,
``executor`` is the process around both, ``private_flwr`` the one file that depends on Flower's
inside, ``supernode`` and ``join`` the way to the SuperLink.
"""
