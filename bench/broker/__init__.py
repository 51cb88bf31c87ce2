"""The broker of `iot-authorizer dev` under load, beside Debian's Mosquitto. Figures, never tests."""
