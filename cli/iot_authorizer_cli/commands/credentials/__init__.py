"""`iot-authorizer credentials`: the access key of this machine's account owner."""
