"""Unit tests touch no network."""
