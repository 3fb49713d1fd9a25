"""The agreement both sides sign: pure values and functions, and the server strategies."""

__version__ = "0.1.0"
