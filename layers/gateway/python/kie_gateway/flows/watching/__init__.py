"""Who follows tasks: executions, and the sweep behind them."""
