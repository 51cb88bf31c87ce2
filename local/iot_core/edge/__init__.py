"""IoT Core's edge: ports, connections, authorizers, and what each client may do."""
