"""Access keys and signed requests."""
