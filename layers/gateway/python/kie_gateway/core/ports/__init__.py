"""What flows need of the outside world; adapters in `aws/`, `kie/` and `fetch/` provide it."""
