"""Sets the default authorizer, and sets it back. It stands inline in the template, so `cfnresponse` is at hand.

The physical ID holds what was the default before: `previous:NAME`, or `previous:` for none.
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
    now = current(iot)
    if event["RequestType"] == "Delete":
        if now == name:  # Somebody else's choice stays.
            put_back(iot, physical_id.removeprefix(PREFIX), name)
        return physical_id
    if event["RequestType"] == "Create":
        physical_id = PREFIX + before_first_attempt(str(event["RequestId"]), "" if now == name else now)
    if now != name:
        put(iot, now, name)
    return physical_id


def current(iot: "IoTClient") -> str:
    """The default authorizer's name; nothing where there is none."""
    try:
        return iot.describe_default_authorizer()["authorizerDescription"]["authorizerName"]
    except iot.exceptions.ResourceNotFoundException:
        return ""


def before_first_attempt(request: str, now: str) -> str:
    """What was the default when this request came first: Lambda repeats one that timed out, and keeps its files."""
    note = Path(tempfile.gettempdir(), request)
    if not note.exists():
        note.write_text(now)
    return note.read_text()


def put(iot: "IoTClient", now: str, name: str) -> None:
    """Makes an authorizer the default one in place of another; that stays it where this can't be done."""
    if now:
        iot.clear_default_authorizer()
    try:
        iot.set_default_authorizer(authorizerName=name)
    except Exception:
        if now:
            iot.set_default_authorizer(authorizerName=now)
        raise


def put_back(iot: "IoTClient", previous: str, name: str) -> None:
    """Makes the previous one the default again, where it is still there and not the one that goes."""
    iot.clear_default_authorizer()
    if previous in ("", name):
        return
    try:
        iot.set_default_authorizer(authorizerName=previous)
    except (iot.exceptions.ResourceNotFoundException, iot.exceptions.InvalidRequestException) as error:
        print(f"there is no default authorizer now: {error}")  # A stack that can't be deleted is worse.
