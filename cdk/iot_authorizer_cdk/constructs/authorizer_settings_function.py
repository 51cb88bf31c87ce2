"""Changes an authorizer to its settings. Lambda adds `cfnresponse` to this inline code.

The physical ID is the authorizer's name. Deletion must not change it: CloudFormation chooses another one if a creation
gave no answer.
"""

import time
from typing import TYPE_CHECKING, Any

import boto3
import cfnresponse
from botocore.config import Config
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from types_boto3_iot import IoTClient

PAUSES = (1, 2, 3, 4)
"""Seconds between attempts: a new role is not known everywhere at once."""
UNKNOWN, INVALID = "ResourceNotFoundException", "InvalidRequestException"
QUICK = Config(connect_timeout=1, read_timeout=2, retries={"total_max_attempts": 1})


def handle(event: dict[str, Any], context: object) -> None:
    """Answers a request of CloudFormation."""
    properties, is_deletion = event["ResourceProperties"], event["RequestType"] == "Delete"
    name = properties["AuthorizerName"]
    physical_id = event["PhysicalResourceId"] if is_deletion else name
    settings = {"status": "INACTIVE"} if is_deletion else dict(properties["Settings"])
    if not is_deletion:  # CloudFormation makes texts of all values.
        settings["enableCachingForHttp"] = settings["enableCachingForHttp"] == "true"
    try:
        update(boto3.client("iot", config=QUICK), {"authorizerName": name, **settings})
    except Exception as error:
        print(f"{event['RequestType']} of the settings of {name} failed: {type(error).__name__}: {error}")
        if not (is_deletion and code(error) == UNKNOWN):
            cfnresponse.send(event, context, cfnresponse.FAILED, {}, physical_id, reason=str(error)[:200])
            return
    cfnresponse.send(event, context, cfnresponse.SUCCESS, {}, physical_id)


def update(iot: "IoTClient", parameters: dict[str, Any]) -> None:
    """Calls UpdateAuthorizer until it succeeds, or until another attempt would fail in the same way."""
    for pause in (*PAUSES, 0):
        try:
            iot.update_authorizer(**parameters)
        except Exception as error:
            if not pause or code(error) in (UNKNOWN, INVALID):
                raise
            print(f"trying again in {pause} s: {type(error).__name__}: {error}")
            time.sleep(pause)
        else:
            return


def code(error: Exception) -> str:
    """Returns IoT Core's error code, or "" for an error without one."""
    return error.response["Error"]["Code"] if isinstance(error, ClientError) else ""
