"""The CDK app that `make deploy` runs: `python -m iot_authorizer_cdk.app`."""
