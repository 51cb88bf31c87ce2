"""The CDK app that `iot-authorizer deploy` runs: `python -m iot_authorizer_cdk.app`."""
