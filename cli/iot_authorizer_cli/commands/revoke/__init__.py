"""`iot-authorizer revoke`: revocations in the table of identities, and the end of the connections they concern."""
