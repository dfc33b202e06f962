"""What callers do with tasks."""
