"""Hashes a text that only the deployment knows. Lambda adds `cfnresponse` to this inline code."""

import hashlib

import cfnresponse


def handle(event: dict[str, dict[str, str]], context: object) -> None:
    """Answers a request of CloudFormation."""
    sha256 = hashlib.sha256(event["ResourceProperties"]["Text"].encode()).hexdigest()
    cfnresponse.send(event, context, cfnresponse.SUCCESS, {"Sha256": sha256}, "fingerprint")
