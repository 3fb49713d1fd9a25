"""The vault: encrypted day files, their keys, and what it takes to forget them."""
