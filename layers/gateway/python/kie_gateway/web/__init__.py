"""Our HTTP contract: what callers send, what they get, and how trouble is told."""
