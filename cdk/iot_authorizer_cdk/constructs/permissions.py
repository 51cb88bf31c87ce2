"""What the function's role may do, one IAM statement each, and the wildcards that cdk-nag has to accept."""

from collections.abc import Sequence

from aws_cdk import Acknowledgment, Stack, Token, Validations, aws_dynamodb, aws_iam, aws_kms, aws_logs
from constructs import IConstruct

from iot_authorizer_cdk.properties import InvalidSettings
from iot_identities.item_limits import ALWAYS_READ
from iot_identities.user import CLAIMS
from iot_identities.user import PREFIX as USER_PREFIX

_FAILURES = "failures#*"
"""The IDs of the items that count wrong passwords in an identity table."""
_FIXED = "Fixed"
"""The ID of a role to which the CDK adds no policies."""
_USERS = f"{USER_PREFIX}*"
"""The IDs of the items of users."""
_READS = {"secretsmanager": "secretsmanager:GetSecretValue", "ssm": "ssm:GetParameter"}


def fixed_role(role: aws_iam.Role) -> aws_iam.IRole:
    """Returns a role for a function, to which the CDK adds no policies.

    A function that has the role itself also depends on it a second time, in DependsOn, which cfn-lint reports (W3005).
    """
    return aws_iam.Role.from_role_arn(role, _FIXED, role.role_arn, mutable=False)


def is_fixed(grantee: aws_iam.IGrantable) -> bool:
    """Returns whether the CDK would drop a permission of this function without an error."""
    node = getattr(grantee.grant_principal, "node", None)
    return node is not None and node.id == _FIXED


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
    region = Stack.of(scope).region
    domains = ["amazonaws.com"]
    if Token.is_unresolved(region) or region.startswith("cn-"):
        # unmeasured: AWS documents only values with amazonaws.com. In China, services have names below .cn, and public
        # policies are found with both spellings. Neither is the name of another service.
        domains.append("amazonaws.com.cn")
    via = [f"{service}.{region}.{domain}" for service in services for domain in domains]
    conditions = {"StringEquals": {"kms:ViaService": via}}
    return aws_iam.PolicyStatement(actions=["kms:Decrypt"], resources=list(keys), conditions=conditions)


def key_arn(key: aws_kms.IKey) -> str:
    """Returns the ARN of a key that IAM compares, which is never the ARN of an alias. Raises InvalidSettings."""
    alias = getattr(key, "alias_name", None)
    if alias is None:
        return key.key_arn
    try:
        target: aws_kms.IKey = getattr(key, "alias_target_key")  # noqa: B009 (IKey has none)
    except RuntimeError:  # jsii raises no other type for the CDK's errors.
        problem = f"found {alias}, an alias: the CDK does not know its key, and IAM allows only keys"
        raise InvalidSettings(f"encryption_key: {problem}: use aws_kms.Key.from_key_arn(…)") from None
    return target.key_arn


def use_table(table: aws_dynamodb.ITable) -> list[aws_iam.PolicyStatement]:
    """Allows reading items of an identity table by their IDs, and changing only the counts of wrong passwords."""
    reads = aws_iam.PolicyStatement(actions=["dynamodb:BatchGetItem"], resources=[table.table_arn])
    return [reads, _on_items(table, _FAILURES, "dynamodb:UpdateItem"), *_decrypt_table(table)]


def change_claims(table: aws_dynamodb.ITable, *, add_missing: bool) -> list[aws_iam.PolicyStatement]:
    """Allows reading and writing the claims of users of an identity table; with `add_missing`, whole users.

    A request must name its attributes, and its answer has no others (IAM user guide, "Amazon DynamoDB: Allows access to
    specific attributes").
    unmeasured: whether DynamoDB's answer about a failed condition (ReturnValuesOnConditionCheckFailure) can have
    attributes that IAM does not allow.
    """
    reads = _on_attributes(table, "dynamodb:GetItem", [*ALWAYS_READ, CLAIMS])
    reads.add_condition("StringEqualsIfExists", {"dynamodb:Select": "SPECIFIC_ATTRIBUTES"})
    # Without expires_at, which would delete a user.
    writes = _on_attributes(table, "dynamodb:UpdateItem", ["id", "revision", CLAIMS])
    writes.add_condition("StringEqualsIfExists", {"dynamodb:ReturnValues": "NONE"})
    # A user that was added meanwhile is read, to see whether an answer was lost.
    users = [_on_items(table, _USERS, "dynamodb:BatchGetItem", "dynamodb:PutItem")] if add_missing else []
    return [reads, writes, *users, *_decrypt_table(table)]


def _on_attributes(table: aws_dynamodb.ITable, action: str, attributes: Sequence[str]) -> aws_iam.PolicyStatement:
    """Allows an action only for requests that name some of these attributes of users, and no others."""
    statement = _on_items(table, _USERS, action)
    statement.add_condition("ForAllValues:StringEquals", {"dynamodb:Attributes": list(attributes)})
    statement.add_condition("Null", {"dynamodb:LeadingKeys": "false", "dynamodb:Attributes": "false"})
    return statement


def _on_items(table: aws_dynamodb.ITable, ids: str, *actions: str) -> aws_iam.PolicyStatement:
    # ForAllValues is also true for a request that names no items: Null refuses that.
    return aws_iam.PolicyStatement(
        actions=list(actions),
        resources=[table.table_arn],
        conditions={
            "ForAllValues:StringLike": {"dynamodb:LeadingKeys": [ids]},
            "Null": {"dynamodb:LeadingKeys": "false"},
        },
    )


def _decrypt_table(table: aws_dynamodb.ITable) -> list[aws_iam.PolicyStatement]:
    # unmeasured: that a write, too, only needs kms:Decrypt of the caller, for the table's data key, is assumed.
    key = table.encryption_key
    return [] if key is None else [decrypt(table, [key_arn(key)], ["dynamodb"])]
