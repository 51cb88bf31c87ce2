"""Sets the default authorizer, and sets it back. It stands inline in the template, so `cfnresponse` is at hand.

The physical ID holds what was the default before: `previous:NAME`, or `previous:` for none.
"""

from typing import TYPE_CHECKING

import boto3
import cfnresponse

if TYPE_CHECKING:
    from types_boto3_iot import IoTClient

PREFIX = "previous:"


def handle(event: dict[str, object], context: object) -> None:
    """Answers one request of CloudFormation's."""
    physical_id = str(event.get("PhysicalResourceId", PREFIX))
    try:
        physical_id = answer(boto3.client("iot"), event, physical_id)
    except Exception as error:
        print(f"{type(error).__name__}: {error}")
        cfnresponse.send(event, context, cfnresponse.FAILED, {}, physical_id, reason=str(error)[:200])
    else:
        cfnresponse.send(event, context, cfnresponse.SUCCESS, {}, physical_id)


def answer(iot: "IoTClient", event: dict[str, object], physical_id: str) -> str:
    """Does what is asked; gives the physical ID."""
    properties = event["ResourceProperties"]
    name = properties["AuthorizerName"] if isinstance(properties, dict) else ""
    if event["RequestType"] == "Delete":
        if current(iot) == name:  # Somebody else's choice stays.
            put(iot, physical_id.removeprefix(PREFIX))
        return physical_id
    if event["RequestType"] == "Create":
        physical_id = PREFIX + current(iot)
    put(iot, name)
    return physical_id


def current(iot: "IoTClient") -> str:
    """The default authorizer's name; nothing where there is none."""
    try:
        return iot.describe_default_authorizer()["authorizerDescription"]["authorizerName"]
    except iot.exceptions.ResourceNotFoundException:
        return ""


def put(iot: "IoTClient", name: str) -> None:
    """Makes an authorizer the default one, whatever was; with no name there is none."""
    before = current(iot)
    if before == name:
        return
    if before:
        iot.clear_default_authorizer()
    if name:
        iot.set_default_authorizer(authorizerName=name)
