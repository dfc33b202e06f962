"""Live updates: where to connect, and tokens for browsers."""
