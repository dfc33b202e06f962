"""Tasks: create, read, list, and what can be done with them."""
