"""How Kie.ai is asked, and what becomes of its answers."""
