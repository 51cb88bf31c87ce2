"""`iot-authorizer users`: principals with passwords and claims in the table of identities."""
