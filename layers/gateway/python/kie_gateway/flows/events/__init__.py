"""Tell the world outside what has happened."""
