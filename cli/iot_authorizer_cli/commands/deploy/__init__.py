"""`iot-authorizer deploy` and `destroy`: the CDK, run for a stage of cdk.json."""
