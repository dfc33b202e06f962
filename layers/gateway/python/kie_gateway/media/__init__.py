"""Measures of media files: sizes, durations, whether they move."""
