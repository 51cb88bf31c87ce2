"""Looks up the account's endpoint. It stands inline in the template, so `cfnresponse` is at hand."""

import boto3
import cfnresponse


def handle(event: dict[str, object], context: object) -> None:
    """Answers one request of CloudFormation's."""
    found: dict[str, str] = {}
    try:
        if event["RequestType"] != "Delete":
            found["Address"] = boto3.client("iot").describe_endpoint(endpointType="iot:Data-ATS")["endpointAddress"]
    except Exception as error:
        print(f"{type(error).__name__}: {error}")
        cfnresponse.send(event, context, cfnresponse.FAILED, found, "endpoint", reason=str(error)[:200])
    else:
        cfnresponse.send(event, context, cfnresponse.SUCCESS, found, "endpoint")
