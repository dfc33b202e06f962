"""Rules about those who call the API: keys, allowances, repeated requests."""
