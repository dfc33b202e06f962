"""The gateway's version, the only place where it is written (Semantic Versioning)."""

VERSION = "0.1.0"
