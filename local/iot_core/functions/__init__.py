"""Lambda functions: loaded as Lambda loads them, and run in execution environments."""
