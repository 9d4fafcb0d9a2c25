"""node: what is to run containers."""
