"""`iot-authorizer users`: users with passwords and claims in the table of identities."""
