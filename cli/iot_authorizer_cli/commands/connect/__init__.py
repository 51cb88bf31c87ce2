"""`iot-authorizer connect`: a ready-to-run program for a real client."""
