"""`iot-authorizer init`: a project in a user's folder."""
