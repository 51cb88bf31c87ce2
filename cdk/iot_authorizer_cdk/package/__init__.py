"""The Lambda directory: `iot-authorizer build` builds it, and the constructs check it."""
