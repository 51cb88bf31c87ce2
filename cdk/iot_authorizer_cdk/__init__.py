"""The construct, the stacks, the app, and the packaging of the Lambda function."""
