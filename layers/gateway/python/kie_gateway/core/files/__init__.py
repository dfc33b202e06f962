"""Rules about files: what they are, where they lie, how long, and where they may come from."""
