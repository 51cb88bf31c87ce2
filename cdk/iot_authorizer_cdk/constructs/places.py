"""The region and the account of a resource that a function uses, as far as they are known before the deployment.

1. An ARN says them. Each may be a token of the CDK.
2. The ARN of a new resource is one token: its stack says them. The ARN of an existing one may be a token too: then its
   region is taken from its stack, and its account is not known.
3. A function asks the services of its own region, and none of them answers for another region.
   unmeasured (reported, https://github.com/cds-snc/notification-terraform/pull/128, 6 January 2021): that
   PutMetricAlarm refuses a topic of another region ("Only us-west-2 is supported").
"""

import re
from typing import NamedTuple

from aws_cdk import IResource, Stack, Token

from iot_authorizer_cdk.constructs.stand_ins import TOKEN
from iot_authorizer_cdk.properties import InvalidSettings

_PART = rf"({TOKEN}|[a-z0-9-]+)"
_ARN = re.compile(f"arn:{_PART}:{_PART}:{_PART}:{_PART}:")


class Place(NamedTuple):
    """Where a resource is."""

    region: str
    account: str | None
    """None if only the deployment knows the account."""


def place_in(arn: str) -> Place | None:
    """Returns what an ARN says; None for other texts, and for an ARN that is one token."""
    found = _ARN.match(arn)
    return Place(found[3], found[4]) if found else None


def place_of(resource: IResource, arn: str) -> Place:
    """Returns where a resource of the CDK with this ARN is."""
    return place_in(arn) or Place(resource.env.region, resource.env.account if is_new(resource) else None)


def is_new(resource: IResource) -> bool:
    """Returns whether the app makes the resource, and does not only name an existing one."""
    return resource.node.default_child is not None


def called(resource: IResource, arn: str) -> str:
    """Returns what an error calls a resource: its path in the app if it is new, because its ARN is a token then."""
    return resource.node.path if is_new(resource) else arn


def check_region(stack: Stack, subject: str, place: Place, advice: str) -> None:
    """Raises InvalidSettings if the place is known to be in another region than the stack.

    `subject` is what is there, and `advice` ends with what to use, in the region of the stack.
    """
    if place.region != stack.region and not (Token.is_unresolved(place.region) or Token.is_unresolved(stack.region)):
        problem = f"found {place.region}, but the stack is in {stack.region}, which cannot use it"
        raise InvalidSettings(f"{subject}: {problem}: use {advice}")
