"""Uploads: input files that callers send first."""
