"""The authorizer's Lambda function, run in this process as Lambda runs it."""
