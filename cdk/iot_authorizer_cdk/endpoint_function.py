"""Looks up the account's endpoint. It stands inline in the template, so `cfnresponse` is at hand."""

import time

import boto3
import cfnresponse
from botocore.config import Config

PAUSES = (1, 2, 3, 4)
"""Seconds: a role that was made a moment ago may not be known everywhere."""
QUICK = Config(connect_timeout=1, read_timeout=2, retries={"total_max_attempts": 1})
UNKNOWN = "ENDPOINT"
"""Stands for an address that can't be looked up: it is only told, and no stack has to fail for it."""


def handle(event: dict[str, object], context: object) -> None:
    """Answers one request of CloudFormation's."""
    found = {} if event["RequestType"] == "Delete" else {"Address": address()}
    cfnresponse.send(event, context, cfnresponse.SUCCESS, found, "endpoint")


def address() -> str:
    """The endpoint's, or what stands for it."""
    for pause in (*PAUSES, 0):
        try:
            return boto3.client("iot", config=QUICK).describe_endpoint(endpointType="iot:Data-ATS")["endpointAddress"]
        except Exception as error:
            print(f"{type(error).__name__}: {error}")
        time.sleep(pause)
    return UNKNOWN
