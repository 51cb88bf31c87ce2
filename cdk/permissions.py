"""What the function's role may do, and to what: one statement each."""

from collections.abc import Sequence

from aws_cdk import Stack, aws_dynamodb, aws_iam, aws_logs
from constructs import IConstruct

FAILURES = "failures#*"
"""The items of an identity table that count wrong passwords."""


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


def decrypt(scope: IConstruct, keys: Sequence[str], services: Sequence[str]) -> aws_iam.PolicyStatement:
    """With customer-managed keys, by their ARNs, and only what these services hand out."""
    via = [f"{service}.{Stack.of(scope).region}.amazonaws.com" for service in services]
    conditions = {"StringEquals": {"kms:ViaService": via}}
    return aws_iam.PolicyStatement(actions=["kms:Decrypt"], resources=list(keys), conditions=conditions)


def use_table(table: aws_dynamodb.ITable) -> list[aws_iam.PolicyStatement]:
    """Reads all of an identity table by its items' IDs, and changes the counts of wrong passwords alone."""
    reads = aws_iam.PolicyStatement(actions=["dynamodb:BatchGetItem", "dynamodb:GetItem"], resources=[table.table_arn])
    # ForAllValues is also true of a request that names no items at all: Null refuses that.
    counts = aws_iam.PolicyStatement(
        actions=["dynamodb:UpdateItem"],
        resources=[table.table_arn],
        conditions={
            "ForAllValues:StringLike": {"dynamodb:LeadingKeys": [FAILURES]},
            "Null": {"dynamodb:LeadingKeys": "false"},
        },
    )
    encrypted = [] if table.encryption_key is None else [decrypt(table, [table.encryption_key.key_arn], ["dynamodb"])]
    return [reads, counts, *encrypted]
