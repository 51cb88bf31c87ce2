"""What a backend of the same app needs to publish to clients: a permission for topics, and where to send messages.

1. The statement is that of `iot_policies.backend_role`, in the account and region of the authorizer. It names exact
   topics, or what the filters of the app cover. cdk-nag reports a wildcard, which the owner of the role accepts.
2. AWS's SDKs read the endpoint from AWS_ENDPOINT_URL_IOT_DATA_PLANE (SDKs and tools reference guide, "Service-specific
   endpoints"), so that the same code runs on the user's machine.
3. Without a topic prefix, its variable is not set.
"""

from collections.abc import Sequence

from aws_cdk import Stack, aws_iam
from constructs import IConstruct

from iot_authorizer_cdk.constructs.permissions import is_fixed
from iot_authorizer_cdk.properties import InvalidSettings
from iot_policies import InvalidTopics
from iot_policies.account_region import AccountRegion
from iot_policies.backend_role import publish_statement

_ENDPOINT_URL = "AWS_ENDPOINT_URL_IOT_DATA_PLANE"
_TOPIC_PREFIX = "IOT_TOPIC_PREFIX"


def backend_environment(endpoint: str, topic_prefix: str) -> dict[str, str]:
    """Returns the variables of a backend: where to send messages, and what is in front of each topic."""
    prefix = {_TOPIC_PREFIX: f"{topic_prefix}/"} if topic_prefix else {}
    return {_ENDPOINT_URL: f"https://{endpoint}", **prefix}


def grant_publish(
    scope: IConstruct,
    grantee: aws_iam.IGrantable,
    topics: Sequence[str],
    *,
    topic_prefix: str,
    widen: bool,
    retain: bool,
) -> aws_iam.Grant:
    """Allows publishing to topics of the scope's account and region. Raises InvalidSettings."""
    if is_fixed(grantee):
        problem = "the CDK cannot add a permission to this function: name its role"
        raise InvalidSettings(f'grant_publish: {problem}, as in authorizer.rules.functions["NAME"].role')
    try:
        heading, resources = publish_statement(topics, topic_prefix=topic_prefix, widen=widen, retain=retain)
    except InvalidTopics as error:
        raise InvalidSettings(f"grant_publish: {error}") from None
    stack = Stack.of(scope)
    prefix = AccountRegion(stack.region, stack.account, stack.partition).arn_prefix("iot")
    return aws_iam.Grant.add_to_principal(
        grantee=grantee, actions=list(heading.actions), resource_arns=[prefix + resource for resource in resources]
    )
