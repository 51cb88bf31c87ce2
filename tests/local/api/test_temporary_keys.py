"""Temporary keys may use only the operations that their policy allows.

All operations of botocore's models are tried. So a new one that asks no policy fails here.
"""

import re
from typing import NamedTuple

import botocore.session
import pytest
from botocore.model import OperationModel

from iot_core.iam.roles import Role, RoleSession
from iot_policies.documents import parse_document
from tests.local.api.conftest import Answer, Send
from tests.local.api.server import Service
from tests.local.iam.signers import Signer, policy

NOW = 1_000_000
SERVED = {
    ("iot", "CreateAuthorizer"): "authorizer",
    ("iot", "DescribeAuthorizer"): "authorizer",
    ("iot", "UpdateAuthorizer"): "authorizer",
    ("iot", "DeleteAuthorizer"): "authorizer",
    ("iot", "TestInvokeAuthorizer"): "authorizer",
    ("iot", "ListAuthorizers"): "",
    ("iot", "SetDefaultAuthorizer"): "",
    ("iot", "DescribeDefaultAuthorizer"): "",
    ("iot", "ClearDefaultAuthorizer"): "",
    ("iot", "DescribeEndpoint"): "",
    ("iot", "CreateTopicRule"): "rule",
    ("iot", "GetTopicRule"): "rule",
    ("iot", "ReplaceTopicRule"): "rule",
    ("iot", "DeleteTopicRule"): "rule",
    ("iot", "EnableTopicRule"): "rule",
    ("iot", "DisableTopicRule"): "rule",
    ("iot", "ListTopicRules"): "",
    ("iot-data", "Publish"): "topic",
    ("iot-data", "GetRetainedMessage"): "topic",
    ("iot-data", "ListRetainedMessages"): "",
    ("iot-data", "SendDirectMessage"): "client",
    ("iot-data", "GetConnection"): "client",
    ("iot-data", "DeleteConnection"): "client",
    ("iot-data", "ListSubscriptions"): "client",
}
"""The operations that exist here, each with the kind of its resource, which has the name `a`; empty for `*`."""


class Caller(NamedTuple):
    """Calls operations with a temporary key that one statement limits."""

    send: Send
    service: Service

    def __call__(self, service: str, operation: str, allowed: tuple[str, str]) -> Answer:
        """The answer to an operation without a body."""
        session = RoleSession("everything", "ann", NOW, NOW + 60, policy(allowed))
        key = self.service.do(lambda core: core.temporary_keys.issue(session))
        model = MODELS[service, operation]
        method, path = model.http["method"], re.sub(r"\{[^}]*\}", "a", model.http["requestUri"]).partition("?")[0]
        host = f"127.0.0.1:{self.service.port}"
        signer = Signer(key, str(model.service_model.signing_name), at=NOW, host=host)
        return self.send(method, path, b"", signer.headers(method, path))


def models(service: str) -> dict[tuple[str, str], OperationModel]:
    model = botocore.session.get_session().get_service_model(service)
    return {(service, name): model.operation_model(name) for name in model.operation_names}


MODELS = models("iot") | models("iot-data")


@pytest.fixture
def call(send: Send, service: Service) -> Caller:
    """Calls operations with a role that allows everything, limited by a session policy."""
    everything = parse_document(policy(("*", "*")))
    service.do(lambda core: core.roles.put(Role("everything", everything)))
    return Caller(send, service)


@pytest.mark.slow
def test_no_operation_is_open_to_a_key_whose_policy_allows_nothing_of_iot(call: Caller) -> None:
    answers = {each: call(*each, ("s3:*", "*")) for each in MODELS}
    refused = {each for each, answer in answers.items() if answer.status == 403}
    others = {answer.error for each, answer in answers.items() if each not in refused}
    assert refused >= SERVED.keys()
    assert {status for status, _ in others} <= {404, 405}


@pytest.mark.parametrize(("plane", "operation"), SERVED)
def test_an_operation_is_open_to_a_key_whose_policy_allows_it_on_its_resource(
    call: Caller, plane: str, operation: str
) -> None:
    kind = SERVED[plane, operation]
    own, *others = [call.service.core.arn(kind, name) for name in ("a", "b", "a/b")] if kind else ["*"]
    statuses = {resource: call(plane, operation, (f"iot:{operation}", resource)).status for resource in (own, *others)}
    assert statuses[own] != 403
    assert all(statuses[other] == 403 for other in others)
