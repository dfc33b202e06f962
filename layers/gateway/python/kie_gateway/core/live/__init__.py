"""Live updates: their channels, and events that fit into them."""
