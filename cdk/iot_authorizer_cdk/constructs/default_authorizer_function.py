"""Sets the default authorizer, and sets it back. Lambda adds `cfnresponse` to this inline code.

The physical ID holds the previous default: `previous:NAME`, or `previous:` for none.
"""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import cfnresponse

if TYPE_CHECKING:
    from types_boto3_iot import IoTClient

PREFIX = "previous:"


def handle(event: dict[str, object], context: object) -> None:
    """Answers a request of CloudFormation."""
    physical_id = str(event.get("PhysicalResourceId", PREFIX))
    try:
        physical_id = answer(boto3.client("iot"), event, physical_id)
    except Exception as error:
        print(f"{event['RequestType']} of the default authorizer failed: {type(error).__name__}: {error}")
        cfnresponse.send(event, context, cfnresponse.FAILED, {}, physical_id, reason=str(error)[:200])
    else:
        cfnresponse.send(event, context, cfnresponse.SUCCESS, {}, physical_id)


def answer(iot: "IoTClient", event: dict[str, object], physical_id: str) -> str:
    """Performs the request and returns the physical ID."""
    properties = event["ResourceProperties"]
    name = properties["AuthorizerName"] if isinstance(properties, dict) else ""
    now = current(iot)
    if event["RequestType"] == "Delete":
        if now == name:  # Another authorizer that was chosen since remains the default.
            put_back(iot, physical_id.removeprefix(PREFIX), name)
        return physical_id
    if event["RequestType"] == "Create":
        physical_id = PREFIX + before_first_attempt(str(event["RequestId"]), "" if now == name else now)
    if now != name:
        put(iot, now, name)
    return physical_id


def current(iot: "IoTClient") -> str:
    """Returns the default authorizer's name, or "" if there is none."""
    try:
        return iot.describe_default_authorizer()["authorizerDescription"]["authorizerName"]
    except iot.exceptions.ResourceNotFoundException:
        return ""


def before_first_attempt(request: str, now: str) -> str:
    """Returns the default before the request's first attempt: Lambda repeats one that timed out and keeps /tmp."""
    note = Path(tempfile.gettempdir(), request)
    if not note.exists():
        note.write_text(now)
    return note.read_text()


def put(iot: "IoTClient", now: str, name: str) -> None:
    """Replaces the default authorizer; restores the old one if that fails."""
    if now:
        iot.clear_default_authorizer()
    try:
        iot.set_default_authorizer(authorizerName=name)
    except Exception:
        if now:
            iot.set_default_authorizer(authorizerName=now)
        raise


def put_back(iot: "IoTClient", previous: str, name: str) -> None:
    """Makes the previous authorizer the default again, if it still exists and is not the deleted one."""
    iot.clear_default_authorizer()
    if previous in ("", name):
        return
    try:
        iot.set_default_authorizer(authorizerName=previous)
    except (iot.exceptions.ResourceNotFoundException, iot.exceptions.InvalidRequestException) as error:
        # Failing here would make a stack that cannot be deleted.
        print(f"the account has no default authorizer now: {previous} cannot be set: {error}")
