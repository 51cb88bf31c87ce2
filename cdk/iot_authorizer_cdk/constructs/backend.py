"""What a backend of the same app needs: variables, and permissions to publish, change claims and disconnect clients.

1. A statement about topics is that of `iot_policies.backend_role`, in the account and region of the authorizer.
2. AWS's SDKs read the endpoint from AWS_ENDPOINT_URL_IOT_DATA_PLANE (SDKs and tools reference guide, "Service-specific
   endpoints"), so that the same code runs on the user's machine. Without a topic prefix or an identity table, its
   variable is not set.
3. A backend that changes claims reads and writes no other attribute of a user, and no other items. One that also adds
   users reads and writes whole users: it could replace any user, with its password.
4. cdk-nag reports a wildcard in a statement, which the owner of the role accepts.
"""

from collections.abc import Iterable, Sequence

from aws_cdk import Stack, aws_dynamodb, aws_iam
from aws_cdk.aws_iam import PolicyStatement as Statement

from iot_authorizer_cdk.constructs.permissions import change_claims, is_fixed
from iot_authorizer_cdk.properties import InvalidSettings
from iot_policies import InvalidTopics
from iot_policies.account_region import AccountRegion
from iot_policies.backend_role import publish_statement
from iot_policies.iam_packing import is_writable, literal

_ENDPOINT_URL = "AWS_ENDPOINT_URL_IOT_DATA_PLANE"
_TOPIC_PREFIX = "IOT_TOPIC_PREFIX"
_TABLE = "IDENTITY_TABLE"
_CLIENT_IDS = 'write client IDs such as "ann", "devices/*", or "*" for all'


def backend_environment(endpoint: str, topic_prefix: str, table: str | None) -> dict[str, str]:
    """Returns the variables of a backend: where to send messages, what is in front of each topic, and the table."""
    prefix = {_TOPIC_PREFIX: f"{topic_prefix}/"} if topic_prefix else {}
    return {_ENDPOINT_URL: f"https://{endpoint}", **prefix, **({} if table is None else {_TABLE: table})}


def publish(stack: Stack, topics: Sequence[str], topic_prefix: str, *, widen: bool, retain: bool) -> Statement:
    """Allows publishing to topics. Raises InvalidSettings."""
    try:
        heading, resources = publish_statement(topics, topic_prefix=topic_prefix, widen=widen, retain=retain)
    except InvalidTopics as error:
        raise InvalidSettings(f"grant_publish: {error}") from None
    return Statement(actions=list(heading.actions), resources=_arns(stack, resources))


def disconnect(stack: Stack, client_ids: Sequence[str]) -> Statement:
    """Allows DeleteConnection for client IDs, whose last character can be a `*`. Raises InvalidSettings."""
    if not client_ids:
        raise InvalidSettings(f"grant_disconnect: expected at least one client ID: {_CLIENT_IDS}")
    return Statement(actions=["iot:DeleteConnection"], resources=_arns(stack, map(_client, client_ids)))


def change_claims_of(table: aws_dynamodb.ITable | None, *, add_missing: bool) -> list[Statement]:
    """Allows changing claims of users of an identity table. Raises InvalidSettings."""
    if table is None:
        advice = "set table=…, such as IdentityTable(…).table, or table in authorizer.toml"
        raise InvalidSettings(f"grant_change_claims: the authorizer has no identity table: {advice}")
    return change_claims(table, add_missing=add_missing)


def grant(grantee: aws_iam.IGrantable, *statements: Statement) -> aws_iam.Grant:
    """Adds statements, at least one, to the role of a backend. Raises InvalidSettings."""
    if is_fixed(grantee):
        problem = "the CDK cannot add a permission to this function: name its role"
        raise InvalidSettings(f'grantee: {problem}, as in authorizer.rules.functions["NAME"].role')
    first, *others = (
        aws_iam.Grant.add_to_principal(
            grantee=grantee, actions=each.actions, resource_arns=each.resources, conditions=each.conditions
        )
        for each in statements
    )
    for each in others:
        first = first.combine(each)
    if not first.success:
        raise InvalidSettings(
            "grantee: the CDK cannot add a statement to it: name a function, a role, a user or a group"
        )
    return first


def _arns(stack: Stack, resources: Iterable[str]) -> list[str]:
    prefix = AccountRegion(stack.region, stack.account, stack.partition).arn_prefix("iot")
    return [prefix + resource for resource in resources]


def _client(client_id: str) -> str:
    """The resource of a client ID in which only a last `*` is a wildcard."""
    stem, star = (client_id[:-1], "*") if client_id.endswith("*") else (client_id, "")
    if not client_id or set(stem) & set("*{}") or not is_writable(client_id):
        raise InvalidSettings(f"grant_disconnect: found {client_id!r}: {_CLIENT_IDS}")
    return f"client/{literal(stem)}{star}"
