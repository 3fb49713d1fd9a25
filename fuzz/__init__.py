"""Fuzzing by hand, guided by coverage; see CONTRIBUTING.md."""
