"""Orchestrates federated rounds; holds contracts and models, never work data."""

__version__ = "0.1.0"
