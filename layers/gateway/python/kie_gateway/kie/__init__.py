"""Kie.ai: its wire format, its words and its misbehaviour are known here only."""
