"""The one place that knows the concrete classes: a module per function, and what they share."""
