"""IoT Core on this machine, and the command line."""
