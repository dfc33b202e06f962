"""How creations reach Kie.ai, at most once each."""
