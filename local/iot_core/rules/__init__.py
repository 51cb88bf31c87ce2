"""Topic rules: which messages they select, and what they do with them."""
