"""Credits: accounts of owners and their ledgers."""
