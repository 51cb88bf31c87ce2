"""`iot-authorizer test`: runs the tests beside policy templates."""
