"""`iot-authorizer dev`: IoT Core on this machine, in the foreground."""
