"""`iot-authorizer init`: a project in this folder."""
