"""Reads the account's endpoint. Lambda adds `cfnresponse` to this inline code."""

import time

import boto3
import cfnresponse
from botocore.config import Config

PAUSES = (1, 2, 3, 4)
"""Seconds between attempts: a new role is not known everywhere at once."""
QUICK = Config(connect_timeout=1, read_timeout=2, retries={"total_max_attempts": 1})
UNKNOWN = "ENDPOINT"
"""Returned if the endpoint cannot be read: it is only printed, so the deployment need not fail."""


def handle(event: dict[str, object], context: object) -> None:
    """Answers a request of CloudFormation."""
    found = {} if event["RequestType"] == "Delete" else {"Address": address()}
    cfnresponse.send(event, context, cfnresponse.SUCCESS, found, event.get("PhysicalResourceId", "endpoint"))


def address() -> str:
    """Returns the endpoint's address, or a placeholder."""
    for pause in (*PAUSES, 0):
        try:
            return boto3.client("iot", config=QUICK).describe_endpoint(endpointType="iot:Data-ATS")["endpointAddress"]
        except Exception as error:
            print(f"the endpoint cannot be read: {type(error).__name__}: {error}")
        time.sleep(pause)
    return UNKNOWN
