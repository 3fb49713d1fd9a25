"""Orchestrates federated rounds; holds contracts and models, never work data."""

import os

__version__ = "0.1.0"

# Flower reads both when it is first imported, and then reports to its makers unless they say no.
# This is the earliest place of every process of ours; children inherit it.
os.environ["FLWR_TELEMETRY_ENABLED"] = "0"
os.environ["FLWR_DISABLE_UPDATE_CHECK"] = "1"
