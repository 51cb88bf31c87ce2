"""Keys that sign tokens for IoT Core: key pairs beside `authorizer.toml`, and the table that names them."""
