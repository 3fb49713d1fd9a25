"""Capture: from an input event to a word of the public vocabulary, inside the callback.

No module here imports torch, flwr or anything that learns; the process that runs it has no use for
a network. Read in this order: ``signals`` (what may be kept), ``control`` (the pause word),
``gate`` (may this be read at all), the sources, ``recorder`` (queue to vault), ``process``.
"""
