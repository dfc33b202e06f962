"""Downloads from hosts that may be slow, broken or hostile; httpcore is spoken here only."""
