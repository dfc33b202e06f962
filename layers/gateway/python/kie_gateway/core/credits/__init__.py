"""What credits are: accounts, ledgers, reservations, and what a task does to them."""
