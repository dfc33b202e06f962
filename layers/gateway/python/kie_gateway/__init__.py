"""The Kie Gateway's shared code: every rule of it lives here, the functions are thin doors."""
