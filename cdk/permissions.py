"""What the function's role may do, and to what: one statement each."""

from aws_cdk import Stack, aws_iam, aws_logs
from constructs import IConstruct


def write_logs(log_group: aws_logs.ILogGroup) -> aws_iam.PolicyStatement:
    """To one log group."""
    actions = ["logs:CreateLogStream", "logs:PutLogEvents"]
    return aws_iam.PolicyStatement(actions=actions, resources=[log_group.log_group_arn])


def trace() -> aws_iam.PolicyStatement:
    """With X-Ray, whose actions know no resources."""
    actions = ["xray:PutTraceSegments", "xray:PutTelemetryRecords"]
    return aws_iam.PolicyStatement(actions=actions, resources=["*"])


def read_secret(scope: IConstruct, secret: str) -> aws_iam.PolicyStatement:
    """`secretsmanager:NAME` or `ssm:NAME`, where NAME may be an ARN."""
    service, _, name = secret.partition(":")
    action = "ssm:GetParameter" if service == "ssm" else "secretsmanager:GetSecretValue"
    if name.startswith("arn:"):
        return aws_iam.PolicyStatement(actions=[action], resources=[name])
    # Secrets Manager adds six characters to a secret's name.
    resource = f"parameter/{name.lstrip('/')}" if service == "ssm" else f"secret:{name}-??????"
    stack = Stack.of(scope)
    arn = f"arn:{stack.partition}:{service}:{stack.region}:{stack.account}:{resource}"
    return aws_iam.PolicyStatement(actions=[action], resources=[arn])
