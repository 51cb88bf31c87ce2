"""From an empty folder to a deployed authorizer, with only the built wheel."""

import json

import pytest

from tests.cloud.cloud import Cloud
from tests.cloud.conftest import Walk
from tests.cloud.journey import Journey, Walked
from tests.cloud.own_app import OWN_APP

THEIRS = ("authorizer", "policies", "identities", "local", "cdk")
"""Packages of a user's that have the names of our folders."""
PACKAGE = "itsdangerous"
"""A package that neither the authorizer nor the project has."""
CONFIGURATION = """\
name           = "rules"
token_key_name = "session"
handler        = "my_rules.lambda_handler"
"""
CODE = f"""\
from {PACKAGE} import BadSignature
from iot_authorizer import Authorizer, Credentials, Grant, LambdaHandler, Principal, Refusal

from sessions import SESSIONS


def verify(credentials: Credentials) -> Principal:
    try:
        return Principal(SESSIONS.unsign(credentials.token or "").decode(), {{"rooms": ["lobby"]}})
    except BadSignature:
        raise Refusal("unknown_session") from None


def grant(principal: Principal) -> Grant:
    return Grant(
        connect=["{{principal}}"],
        publish=["rooms/{{claims.rooms}}/say/{{principal}}"],
        subscribe=["rooms/{{claims.rooms}}/#"],
    )


lambda_handler = LambdaHandler(Authorizer(verify=verify, grant=grant))
"""
SESSION = "ann.fE4147c-mlEtVRPz15BC-nu_WAI"
"""ann, signed with the key in `sessions.py`."""
TEST = f"""\
def test_ann_speaks(local_iot_core):
    assert local_iot_core.allows("ann", {{}}, "publish", "rooms/lobby/say/ann", token="{SESSION}")
"""
SUITE = f"""\
import {", ".join(THEIRS)}


def test_they_are_ours():
    assert {{each.THEIRS for each in ({", ".join(THEIRS)})}} == {{True}}
"""


RULES = Journey(
    name="rules",
    init=(),
    files={
        "authorizer.toml": CONFIGURATION,
        "my_rules.py": CODE,
        "sessions.py": f'from {PACKAGE} import Signer\n\nSESSIONS = Signer("secret")\n',
        "tests/test_rules.py": TEST,
        "tests/test_theirs.py": SUITE,
        **{f"{name}/__init__.py": "THEIRS = True\n" for name in THEIRS},
    },
    tests="uv run pytest",
    variables={"PYTHONPATH": "."},
    packages=(PACKAGE,),
    token=SESSION,
    heard="rooms/lobby/say/ann: Hello from Paho\n",
    allowed=lambda _: {"httpContext": {"queryString": f"?session={SESSION}"}},
    resource="topic/rooms/lobby/say/ann",
    refused=lambda _: {"httpContext": {"queryString": f"?session={SESSION}x"}},
    reason="unknown_session",
)


@pytest.fixture(scope="module", params=[RULES, OWN_APP], ids=lambda journey: journey.name)
def walked(request: pytest.FixtureRequest, walk: Walk) -> Walked:
    return walk(request.param)


def test_the_tests_of_the_project_pass(walked: Walked) -> None:
    assert " passed" in walked.tests


def test_the_client_that_dev_prints_gets_its_message(walked: Walked) -> None:
    assert walked.heard == walked.journey.heard


def test_the_deployed_authorizer_is_active(walked: Walked, cloud: Cloud) -> None:
    assert cloud.describe(walked.journey.authorizer)["status"] == "ACTIVE"


def test_the_deployed_function_allows_what_was_written(walked: Walked, cloud: Cloud) -> None:
    documents = cloud.ask(walked.journey.authorizer, **walked.journey.allowed(walked.outputs))["policyDocuments"]
    statements = [statement for document in documents for statement in json.loads(document)["Statement"]]
    assert walked.journey.resource in {each.split(":")[-1] for found in statements for each in found["Resource"]}


def test_the_deployed_function_refuses_another_client_and_logs_why(walked: Walked, cloud: Cloud) -> None:
    """The alarms find the line by the authorizer's name."""
    assert cloud.ask(walked.journey.authorizer, **walked.journey.refused(walked.outputs))["isAuthenticated"] is False
    lines = cloud.log(cloud.describe(walked.journey.authorizer)["authorizerFunctionArn"])
    assert (walked.journey.reason, walked.journey.authorizer) in {
        (line.get("reason"), line["service"]) for line in lines
    }
