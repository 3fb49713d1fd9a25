"""Speed, size and utility, measured; every figure of docs/benchmarks.md comes from here."""
