"""`iot-authorizer conformance`: does IoT Core in an account do what IoT Core on this machine does?"""
