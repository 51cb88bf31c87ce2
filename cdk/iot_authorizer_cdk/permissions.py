"""What the function's role may do, and to what: one statement each."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from aws_cdk import Stack, Token, aws_dynamodb, aws_iam, aws_logs
from constructs import IConstruct

from iot_authorizer_cdk.settings import InvalidSettings

FAILURES = "failures#*"
"""The items of an identity table that count wrong passwords."""


class _Kind(NamedTuple):
    """A kind of secrets."""

    action: str
    kind: str
    """In an ARN."""
    letters: str
    """Of a name, as a regular expression."""


_SECRETS = {
    # CreateSecret, Name. Secrets Manager adds six characters to it in the ARN.
    "secretsmanager": _Kind("secretsmanager:GetSecretValue", "secret:", "[A-Za-z0-9/_+=.@-]{1,519}"),
    # PutParameter, Name.
    "ssm": _Kind("ssm:GetParameter", "parameter/", "[A-Za-z0-9/_.-]{1,1011}"),
}


def write_logs(log_group: aws_logs.ILogGroup) -> aws_iam.PolicyStatement:
    """To one log group."""
    actions = ["logs:CreateLogStream", "logs:PutLogEvents"]
    return aws_iam.PolicyStatement(actions=actions, resources=[log_group.log_group_arn])


def trace() -> aws_iam.PolicyStatement:
    """With X-Ray, whose actions know no resources."""
    actions = ["xray:PutTraceSegments", "xray:PutTelemetryRecords"]
    return aws_iam.PolicyStatement(actions=actions, resources=["*"])


def read_secret(scope: IConstruct, secret: str) -> aws_iam.PolicyStatement:
    """`secretsmanager:NAME` or `ssm:NAME`, where NAME may be an ARN. Raises InvalidSettings for no such name."""
    service, _, name = secret.partition(":")
    known = _SECRETS[service]
    if Token.is_unresolved(name):  # An ARN that only a deployment knows.
        return aws_iam.PolicyStatement(actions=[known.action], resources=[name])
    arn = re.fullmatch(rf"(arn:aws[a-z-]*:{service}:[a-z0-9-]+:[0-9]{{12}}:{known.kind})(.+)", name)
    stack = Stack.of(scope)
    here = f"arn:{stack.partition}:{service}:{stack.region}:{stack.account}:{known.kind}"
    place, rest = (arn[1], arn[2]) if arn else (here, name)
    if re.fullmatch(known.letters, rest) is None:
        expected = f"expected its name, or its ARN: arn:aws:{service}:REGION:ACCOUNT:{known.kind}…"
        raise InvalidSettings(f"authorizer.toml: secret {secret}: {expected}")
    ends = [""] if service == "ssm" else ["-??????"]
    if arn and re.search("-[A-Za-z0-9]{6}$", rest):  # It may have its end already.
        ends.insert(0, "")
    resources = [f"{place}{rest.removeprefix('/')}{end}" for end in dict.fromkeys(ends)]
    return aws_iam.PolicyStatement(actions=[known.action], resources=resources)


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
