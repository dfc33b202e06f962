"""Recipes: what this deployment makes of a few parameters."""
