"""The code of the pages about claims, run against DynamoDB and the development table."""

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest

from iot_authorizer.user_claims import UserClaims
from iot_identities.dynamodb_table import DynamoDbTable
from iot_identities.user import User
from iot_identities.users import add_user, find_user
from tests import ROOT
from tests.identities.conftest import _environment, aws, dynamodb_name, patient  # noqa: F401 (fixtures)

CODE = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ROOMS, _ = CODE.findall((ROOT / "docs/how-to/change-claims-from-a-backend.md").read_text("utf-8"))
(SET_CLAIMS,) = CODE.findall((ROOT / "docs/reference/identity-table.md").read_text("utf-8"))


@pytest.fixture(params=["sqlite", "dynamodb"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """What IDENTITY_TABLE says on the user's machine, and in AWS."""
    if request.param == "sqlite":
        return str(tmp_path / "identities.sqlite")
    name: str = request.getfixturevalue("dynamodb_name")
    return name


def run(code: str) -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(compile(code, "page", "exec"), names)
    return names


def test_the_function_of_the_page_changes_rooms(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDENTITY_TABLE", place)
    monkeypatch.chdir(ROOT)
    handler = run(ROOMS)["handler"]
    for rooms in (["lobby"], ["lobby", "attic"]):
        handler({"user": "ann", "rooms": rooms}, None)
        assert UserClaims(place, None).read("ann") == {"rooms": rooms}


@pytest.mark.slow
def test_a_service_without_the_package_changes_claims_and_overwrites_no_other_change(
    dynamodb_name: str,  # noqa: F811 (a fixture)
) -> None:
    table = DynamoDbTable(dynamodb_name)
    add_user(table, User("ann", claims={"rooms": ["lobby"]}))
    set_claims = run(SET_CLAIMS)["set_claims"]
    service = boto3.resource("dynamodb").Table(dynamodb_name)
    before = service.get_item(Key={"id": "user#ann"})
    set_claims(service, "ann", {"rooms": ["attic"]})
    UserClaims(dynamodb_name, None).change("ann", lambda claims: {**claims, "role": "guest"})
    late = SimpleNamespace(get_item=lambda **_: before, update_item=service.update_item)
    with pytest.raises(service.meta.client.exceptions.ConditionalCheckFailedException):
        set_claims(late, "ann", {})
    assert find_user(table, "ann").claims == {"rooms": ["attic"], "role": "guest"}
