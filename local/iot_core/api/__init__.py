"""AWS's HTTP APIs for IoT Core: the unmodified `aws` CLI and boto3 work with `--endpoint-url`."""
