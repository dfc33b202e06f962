"""Webhooks out: where owners are told of events, and what has become of each delivery."""
