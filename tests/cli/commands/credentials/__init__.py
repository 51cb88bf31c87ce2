"""`iot-authorizer credentials`."""
