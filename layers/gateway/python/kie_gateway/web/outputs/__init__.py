"""Outputs: the stored files of tasks."""
