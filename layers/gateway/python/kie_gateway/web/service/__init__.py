"""The service itself: health, documentation, and its switches."""
