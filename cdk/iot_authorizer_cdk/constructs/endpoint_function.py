"""Reads the account's endpoint. Lambda adds `cfnresponse` to this inline code."""

import time

import boto3
import cfnresponse
from botocore.config import Config

PAUSES = (1, 2, 3, 4)
"""Seconds between attempts: a new role is not known everywhere at once."""
QUICK = Config(connect_timeout=1, read_timeout=2, retries={"total_max_attempts": 1})


def handle(event: dict[str, object], context: object) -> None:
    """Answers a request of CloudFormation."""
    physical_id = event.get("PhysicalResourceId", "endpoint")
    try:
        found = {} if event["RequestType"] == "Delete" else {"Address": address()}
    except Exception as error:
        reason = f"the endpoint of IoT Core cannot be read: {type(error).__name__}: {error}"
        print(reason)
        cfnresponse.send(event, context, cfnresponse.FAILED, {}, physical_id, reason=reason[:200])
    else:
        cfnresponse.send(event, context, cfnresponse.SUCCESS, found, physical_id)


def address() -> str:
    """Returns the endpoint's address. Raises what the last attempt raised."""
    for pause in PAUSES:
        try:
            return read()
        except Exception as error:
            print(f"trying again in {pause} s: {type(error).__name__}: {error}")
            time.sleep(pause)
    return read()


def read() -> str:
    """Asks IoT Core."""
    return boto3.client("iot", config=QUICK).describe_endpoint(endpointType="iot:Data-ATS")["endpointAddress"]
