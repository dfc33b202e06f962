"""What the gateway does, step by step; every collaborator is passed in."""
