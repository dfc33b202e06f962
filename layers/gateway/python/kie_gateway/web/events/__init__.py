"""Events, as receivers see them."""
