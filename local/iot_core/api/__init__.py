"""AWS's HTTP APIs for IoT Core, so that the unmodified `aws` CLI and boto3 work with `--endpoint-url`."""
