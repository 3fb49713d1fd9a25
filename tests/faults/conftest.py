"""A home of one laptop for the commands under test."""

from tests.helpers.cli import desk, empty

__all__ = ["desk", "empty"]
