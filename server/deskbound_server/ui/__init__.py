"""The ML engineer's pages: runs, rounds and counts in a browser; never a view of anybody."""
