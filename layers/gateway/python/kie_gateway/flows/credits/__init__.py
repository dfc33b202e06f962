"""How credits are granted, released, charged late, and reconciled."""
