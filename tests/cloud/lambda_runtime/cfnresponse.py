"""What Lambda puts beside inline code (CloudFormation user guide, "cfn-response module"): ministack does not."""

import json
from typing import Any

import urllib3

SUCCESS = "SUCCESS"
FAILED = "FAILED"


def send(
    event: dict[str, Any],
    context: Any,  # noqa: ANN401
    responseStatus: str,  # noqa: N803
    responseData: dict[str, object],  # noqa: N803
    physicalResourceId: str | None = None,  # noqa: N803
    noEcho: bool = False,  # noqa: N803
    reason: str | None = None,
) -> None:
    """Answers CloudFormation. The parameters are named as in Lambda's module."""
    answer = {
        "Status": responseStatus,
        "Reason": reason or f"See the details in CloudWatch Log Stream: {context.log_stream_name}",
        "PhysicalResourceId": physicalResourceId or context.log_stream_name,
        **{name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")},
        "NoEcho": noEcho,
        "Data": responseData,
    }
    urllib3.PoolManager().request("PUT", event["ResponseURL"], body=json.dumps(answer).encode())
