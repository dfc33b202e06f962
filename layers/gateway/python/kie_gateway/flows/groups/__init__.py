"""Tasks that belong together: planned, created one from the other, and followed as one."""
