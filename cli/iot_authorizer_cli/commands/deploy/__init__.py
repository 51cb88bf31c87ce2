"""`iot-authorizer deploy`, `diff` and `destroy`: the CDK, run for a stage of cdk.json."""
