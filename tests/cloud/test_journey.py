"""From an empty folder to a deployed authorizer with rules of the user's own, with only the built wheel."""

import json
from pathlib import Path

import pytest

from tests.cloud.cloud import Cloud
from tests.cloud.journey import Folder, Seen, walk

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
FILES = {
    "authorizer.toml": CONFIGURATION,
    "my_rules.py": CODE,
    "sessions.py": f'from {PACKAGE} import Signer\n\nSESSIONS = Signer("secret")\n',
    "tests/test_rules.py": TEST,
    "tests/test_theirs.py": SUITE,
    **{f"{name}/__init__.py": "THEIRS = True\n" for name in THEIRS},
}
"""What the user writes after `init`."""
AUTHORIZER = "rules-dev"


@pytest.fixture(scope="module")
def seen(wheel: Path, cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Seen:
    folder = Folder(cloud, tmp_path_factory.mktemp("home") / "rules", {"PYTHONPATH": "."})
    return walk(folder, wheel, FILES, PACKAGE, SESSION)


def test_the_tests_of_the_project_pass(seen: Seen) -> None:
    assert " passed" in seen.tests


def test_the_client_that_dev_prints_gets_its_message(seen: Seen) -> None:
    assert seen.heard == "rooms/lobby/say/ann: Hello from Paho\n"


@pytest.mark.usefixtures("seen")
def test_the_deployed_authorizer_is_active(cloud: Cloud) -> None:
    assert cloud.describe(AUTHORIZER)["status"] == "ACTIVE"


def session(text: str) -> dict[str, str]:
    return {"queryString": f"?session={text}"}


@pytest.mark.usefixtures("seen")
def test_the_deployed_function_allows_what_was_written(cloud: Cloud) -> None:
    documents = cloud.ask(AUTHORIZER, httpContext=session(SESSION))["policyDocuments"]
    statements = [statement for document in documents for statement in json.loads(document)["Statement"]]
    resources = {each.split(":")[-1] for found in statements for each in found["Resource"]}
    assert "topic/rooms/lobby/say/ann" in resources


@pytest.mark.usefixtures("seen")
def test_the_deployed_function_refuses_another_client_and_logs_why(cloud: Cloud) -> None:
    """The alarms find the line by the authorizer's name."""
    assert cloud.ask(AUTHORIZER, httpContext=session(f"{SESSION}x"))["isAuthenticated"] is False
    lines = cloud.log(cloud.describe(AUTHORIZER)["authorizerFunctionArn"])
    assert ("unknown_session", AUTHORIZER) in {(line.get("reason"), line["service"]) for line in lines}
