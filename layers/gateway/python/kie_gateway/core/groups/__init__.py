"""Tasks that belong together: children of a task, batches, and what becomes of the whole."""
