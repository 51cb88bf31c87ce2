"""`iot-authorizer credentials`: access keys for the local endpoint."""
