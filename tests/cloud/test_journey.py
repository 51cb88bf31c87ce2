"""From an empty folder to a deployed authorizer, with only the built wheel."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.authorizer.keys import public_keys, signing_key
from tests.authorizer.tokens import mint
from tests.cloud.cloud import Cloud
from tests.cloud.credentials import query
from tests.cloud.journey import Journey, Walked, walk
from tests.http_server import Handler, HttpServer, serving

THEIRS = ("authorizer", "policies", "identities", "local", "cdk")
"""Packages of a user's that have the names of our folders."""
PACKAGE = "itsdangerous"
"""A package that neither the authorizer nor the project has."""
CONFIGURATION = """\
name           = "rules"
token_key_name = "session"
handler        = "my_rules.lambda_handler"
"""
RULES = f"""\
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


class Issuer(Handler):
    """An OpenID Connect provider."""

    def do_GET(self) -> None:  # noqa: N802 (the name that the library calls)
        assert isinstance(self.server, HttpServer)
        url = self.server.url
        configuration = {"issuer": url, "jwks_uri": f"{url}/keys"}
        self.send_response(200)
        self.end_headers()
        answer = public_keys(signing_key("RS256")) if self.path == "/keys" else configuration
        self.wfile.write(json.dumps(answer).encode())


def chat(issuer: str) -> Journey:
    forged = mint(signing_key("RS256", "stranger"), head={"kid": signing_key("RS256").key_id}, iss=issuer)
    return Journey(
        name="chat",
        init=("chat", "--issuer", issuer, "--audience", "chat"),
        heard="rooms/lobby/say/ann: Hello from Paho\n",
        allowed={"httpContext": query(mint(iss=issuer, rooms=["attic"]))},
        resource="topic/rooms/attic/say/ann",
        refused={"httpContext": query(forged)},
        reason="bad_signature",
    )


def rules(issuer: str) -> Journey:
    sessions = f'from {PACKAGE} import Signer\n\nSESSIONS = Signer("secret")\n'
    return Journey(
        name="rules",
        init=(),
        files={
            "authorizer.toml": CONFIGURATION,
            "my_rules.py": RULES,
            "sessions.py": sessions,
            "tests/test_policy.py": TEST,
        },
        packages=(PACKAGE,),
        token=SESSION,
        heard="rooms/lobby/say/ann: Hello from Paho\n",
        allowed={"httpContext": {"queryString": f"?session={SESSION}"}},
        resource="topic/rooms/lobby/say/ann",
        refused={"httpContext": {"queryString": f"?session={SESSION}x"}},
        reason="unknown_session",
    )


def strangers(issuer: str) -> Journey:
    return Journey(
        name="strangers",
        init=("public", "--anonymous"),
        files={f"{name}/__init__.py": "THEIRS = True\n" for name in THEIRS} | {"tests/test_theirs.py": SUITE},
        variables={"PYTHONPATH": "."},
        heard="public/guestbook: Hello from Paho\n",
        allowed={"mqttContext": {"clientId": "public/a"}},
        resource="topic/public/guestbook",
        refused={"mqttContext": {"clientId": "other"}},
        reason="client_id_not_granted",
    )


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    with serving(HttpServer(Issuer)) as server:
        yield server.url


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that is empty before the first journey. The others find there only the CDK's cache."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module", params=[chat, rules, strangers], ids=lambda journey: journey.__name__)
def walked(request: pytest.FixtureRequest, issuer: str, wheel: Path, cloud: Cloud, home: Path) -> Walked:
    return walk(request.param(issuer), wheel, cloud, home)


def test_the_tests_of_the_project_pass(walked: Walked) -> None:
    assert " passed" in walked.tests


def test_the_client_that_dev_prints_gets_its_message(walked: Walked) -> None:
    assert walked.heard == walked.journey.heard


def test_the_deployed_authorizer_is_active(walked: Walked, cloud: Cloud) -> None:
    assert cloud.describe(walked.authorizer)["status"] == "ACTIVE"


def test_the_deployed_function_allows_what_was_written(walked: Walked, cloud: Cloud) -> None:
    documents = cloud.ask(walked.authorizer, **walked.journey.allowed)["policyDocuments"]
    statements = [statement for document in documents for statement in json.loads(document)["Statement"]]
    assert walked.journey.resource in {each.split(":")[-1] for found in statements for each in found["Resource"]}


def test_the_deployed_function_refuses_another_client_and_logs_why(walked: Walked, cloud: Cloud) -> None:
    """The alarms find the line by the authorizer's name."""
    assert cloud.ask(walked.authorizer, **walked.journey.refused)["isAuthenticated"] is False
    lines = cloud.log(cloud.describe(walked.authorizer)["authorizerFunctionArn"])
    assert (walked.journey.reason, walked.authorizer) in {(line.get("reason"), line["service"]) for line in lines}
