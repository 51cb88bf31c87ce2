"""A project in development: its `authorizer.toml`, put into force again whenever a file changes."""
