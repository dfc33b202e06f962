"""Models: the catalogue of what Kie.ai makes."""
