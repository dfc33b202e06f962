"""What is told to the world outside, and how."""
