"""IoT Core on this machine."""
