"""A simulated Kie.ai: its wire format, its webhooks and its misbehaviour, on this machine."""
