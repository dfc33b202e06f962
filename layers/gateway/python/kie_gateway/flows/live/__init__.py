"""Live updates: tokens for browsers, and who may follow what."""
