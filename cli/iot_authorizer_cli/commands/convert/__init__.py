"""`iot-authorizer convert`: settings of another broker become a template."""
