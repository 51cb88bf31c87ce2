"""What the function's role may do, one IAM statement each, and the wildcards that cdk-nag has to accept."""

from collections.abc import Sequence

from aws_cdk import Acknowledgment, Stack, Validations, aws_dynamodb, aws_iam, aws_logs
from constructs import IConstruct

_FAILURES = "failures#*"
"""The IDs of the items that count wrong passwords in an identity table."""
_READS = {"secretsmanager": "secretsmanager:GetSecretValue", "ssm": "ssm:GetParameter"}


def fixed_role(role: aws_iam.Role) -> aws_iam.IRole:
    """Returns a role for a function, to which the CDK adds no policies.

    A function that has the role itself also depends on it a second time, in DependsOn, which cfn-lint reports (W3005).
    """
    return aws_iam.Role.from_role_arn(role, "Fixed", role.role_arn, mutable=False)


def accept_wildcard(role: IConstruct, resource: str, reason: str) -> None:
    """Accepts a wildcard resource in a role, which the rule AwsSolutions-IAM5 of cdk-nag reports."""
    finding = f"AwsSolutions::AwsSolutions-IAM5[Resource::{resource}]"
    Validations.of(role).acknowledge(Acknowledgment(id=finding, reason=reason))


def write_logs(log_group: aws_logs.ILogGroup) -> aws_iam.PolicyStatement:
    """Allows writing to one log group."""
    actions = ["logs:CreateLogStream", "logs:PutLogEvents"]
    return aws_iam.PolicyStatement(actions=actions, resources=[log_group.log_group_arn])


def trace() -> aws_iam.PolicyStatement:
    """Allows sending traces to X-Ray, whose actions have no resources."""
    actions = ["xray:PutTraceSegments", "xray:PutTelemetryRecords"]
    return aws_iam.PolicyStatement(actions=actions, resources=["*"])


def read_secret(service: str, arns: Sequence[str]) -> aws_iam.PolicyStatement:
    """Allows reading a secret of `secretsmanager` or `ssm`, by its ARNs."""
    return aws_iam.PolicyStatement(actions=[_READS[service]], resources=list(arns))


def decrypt(scope: IConstruct, keys: Sequence[str], services: Sequence[str]) -> aws_iam.PolicyStatement:
    """Allows decrypting with customer-managed keys, by their ARNs, only in requests through these services."""
    via = [f"{service}.{Stack.of(scope).region}.amazonaws.com" for service in services]
    conditions = {"StringEquals": {"kms:ViaService": via}}
    return aws_iam.PolicyStatement(actions=["kms:Decrypt"], resources=list(keys), conditions=conditions)


def use_table(table: aws_dynamodb.ITable) -> list[aws_iam.PolicyStatement]:
    """Allows reading items of an identity table by their IDs, and changing only the counts of wrong passwords."""
    reads = aws_iam.PolicyStatement(actions=["dynamodb:BatchGetItem"], resources=[table.table_arn])
    # ForAllValues is also true for a request that names no items: Null refuses that.
    counts = aws_iam.PolicyStatement(
        actions=["dynamodb:UpdateItem"],
        resources=[table.table_arn],
        conditions={
            "ForAllValues:StringLike": {"dynamodb:LeadingKeys": [_FAILURES]},
            "Null": {"dynamodb:LeadingKeys": "false"},
        },
    )
    encrypted = [] if table.encryption_key is None else [decrypt(table, [table.encryption_key.key_arn], ["dynamodb"])]
    return [reads, counts, *encrypted]
