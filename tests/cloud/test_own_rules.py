"""A deployed handler of your own, in two modules and with a package that the authorizer itself does not have."""

import json
from pathlib import Path

import pytest

from tests.cloud.cloud import Cloud
from tests.cloud.credentials import query
from tests.cloud.project import Project

PACKAGE = "iniconfig"
"""A small package that the authorizer does not use."""
CONFIGURATION = """\
name           = "chat"
token_key_name = "token"
handler        = "my_rules.lambda_handler"
"""
RULES = f"""\
import {PACKAGE}
from iot_authorizer import Authorizer, Credentials, Grant, LambdaHandler, Principal, Refusal

from sessions import SESSIONS


def verify(credentials: Credentials) -> Principal:
    if credentials.token not in SESSIONS:
        raise Refusal("unknown_session", {PACKAGE}.__name__)
    return Principal(SESSIONS[credentials.token], {{"rooms": ["lobby"]}})


def grant(principal: Principal) -> Grant:
    return Grant(connect=["{{principal}}"], publish=["rooms/{{claims.rooms}}"])


lambda_handler = LambdaHandler(Authorizer(verify=verify, grant=grant))
"""


@pytest.fixture(scope="module")
def own(cloud: Cloud, folder: Path) -> Project:
    project = Project.empty(folder, "own")
    project.write_stage()
    files = {"authorizer.toml": CONFIGURATION, "my_rules.py": RULES, "sessions.py": 'SESSIONS = {"session": "ann"}\n'}
    for name, content in files.items():
        (project.folder / name).write_text(content)
    cloud.iot_authorizer(project.folder, "lock", PACKAGE)
    project.deploy(cloud)
    return project


def test_its_rules_grant_topics(cloud: Cloud, own: Project) -> None:
    document = cloud.ask(own.authorizer, httpContext=query("session"))["policyDocuments"][0]
    resources = [resource.split(":")[-1] for each in json.loads(document)["Statement"] for resource in each["Resource"]]
    assert resources == ["client/ann", "topic/rooms/lobby"]


def test_its_refusal_is_logged_with_its_own_reason_and_the_authorizers_name(cloud: Cloud, own: Project) -> None:
    """The alarms find the metrics by this name."""
    assert cloud.ask(own.authorizer, httpContext=query("stolen"))["isAuthenticated"] is False
    lines = cloud.log(cloud.describe(own.authorizer)["authorizerFunctionArn"])
    (found,) = (line for line in lines if line.get("reason") == "unknown_session")
    assert (found["service"], found["detail"]) == (own.authorizer, PACKAGE)
