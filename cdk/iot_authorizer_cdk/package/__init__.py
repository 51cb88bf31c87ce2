"""The Lambda directory: `python -m iot_authorizer_cdk.package` builds it, and the constructs check it."""
