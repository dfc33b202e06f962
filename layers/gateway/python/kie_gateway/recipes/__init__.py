"""Recipes: what a deployer's files make of a few parameters, a task of some model."""
