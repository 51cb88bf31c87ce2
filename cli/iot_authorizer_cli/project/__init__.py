"""A project in development: its `authorizer.toml` and handler, their reload, and the development issuer."""
