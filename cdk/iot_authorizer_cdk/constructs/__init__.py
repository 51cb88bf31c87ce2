"""The constructs: the authorizer with its function, and what watches and surrounds it."""
