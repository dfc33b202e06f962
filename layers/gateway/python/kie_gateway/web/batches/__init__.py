"""Batches: many tasks asked for by one request."""
