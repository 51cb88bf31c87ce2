"""IoT Core's message broker: one topic space for MQTT 3.1.1 and 5, with IoT Core's own rules."""
