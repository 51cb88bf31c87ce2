"""`iot-authorizer keys`: key pairs that sign tokens for IoT Core."""
