"""Parts of items: others stay as they are, and no change of another writer is lost."""

import json
import re

import pytest

from iot_identities.attribute_values import from_item
from iot_identities.dynamodb_table import DynamoDbTable
from iot_identities.table import Item, ItemChanged, Table
from iot_identities.user import User, to_item
from iot_identities.users import change_claims
from tests.clock import Clock
from tests.identities.conftest import OpenTable
from tests.identities.fake_dynamodb import answer, fake_dynamodb, refusal
from tests.identities.questions import ANN, FIRST, stored

USER: Item = {**ANN, "claims": "{}", "passwords": ["a"], "disabled": True}
PART: Item = {**ANN, "claims": '{"a":1}'}


@pytest.fixture
def table(open_table: OpenTable) -> Table:
    return open_table()


def test_only_the_named_attributes_are_read(table: Table) -> None:
    table.write(USER)
    assert table.read_part("user#ann", ["claims", "missing"]) == {**ANN, "claims": "{}", "revision": FIRST}
    assert table.read_part("user#bob", ["claims"]) is None


def test_a_part_of_an_expired_item_is_missing(table: Table, clock: Clock) -> None:
    table.write({**USER, "expires_at": int(clock.now) + 1})
    assert table.read_part("user#ann", []) == {**ANN, "revision": FIRST, "expires_at": int(clock.now) + 1}
    clock.now += 1
    assert table.read_part("user#ann", []) is None


def test_a_changed_part_leaves_all_else_and_raises_the_revision(table: Table) -> None:
    table.write(USER)
    before = table.read_part("user#ann", ["claims"])
    assert before is not None
    table.write_part(PART, replacing=before)
    assert stored(table) == {**USER, **PART, "revision": FIRST + 1}


def test_a_part_that_another_writer_changed_is_not_changed(table: Table) -> None:
    table.write(USER)
    before = stored(table)
    table.write_part({**ANN, "claims": "other"}, replacing=before)
    with pytest.raises(ItemChanged):
        table.write_part(PART, replacing=before)
    assert stored(table)["claims"] == "other"


def test_changing_a_part_equally_again_is_not_a_conflict(table: Table) -> None:
    """An answer that is lost on its way is asked for again."""
    table.write(USER)
    before = stored(table)
    for _ in range(2):
        table.write_part(PART, replacing=before)
    assert stored(table) == {**USER, **PART, "revision": FIRST + 1}


def test_a_part_of_a_deleted_item_is_not_written(table: Table) -> None:
    table.write(USER)
    before = stored(table)
    table.delete("user#ann")
    with pytest.raises(ItemChanged):
        table.write_part(PART, replacing=before)
    assert table.read(["user#ann"]) == {}


@pytest.mark.slow
def test_a_change_of_claims_names_only_the_attributes_of_its_permission(patient: None) -> None:
    """IAM compares all attributes that a request names (`cdk/iot_authorizer_cdk/constructs/permissions.py`)."""
    with fake_dynamodb() as server:
        found = {"id": {"S": "user#ann"}, "claims": {"S": "{}"}, "revision": {"N": "7"}}
        server.answers = [answer({"Item": found}), refusal("InternalServerError", 500), answer({})]
        change_claims(DynamoDbTable("chat", endpoint_url=server.url), "ann", lambda _: {"a": 1})
    assert server.operations == ["GetItem", "UpdateItem", "UpdateItem"]
    for operation, request in server.asked:
        named = {*request["ExpressionAttributeNames"].values(), *request["Key"]}
        assert named == {"id", "revision", "claims"} | ({"expires_at"} if operation == "GetItem" else set())
        expressions = json.dumps([value for key, value in request.items() if key.endswith("Expression")])
        assert re.findall(r"(?<![#:\w])[a-z_]+(?= [=<>])", expressions) == []
        assert not {"ReturnValues", "ReturnValuesOnConditionCheckFailure"} & request.keys()


@pytest.mark.slow
def test_a_user_that_another_service_adds_meanwhile_is_changed_by_the_requests_of_the_permission(patient: None) -> None:
    other = to_item(User("ann", claims={"b": 2}))
    found = {"Item": from_item({"id": "user#ann", "claims": other["claims"], "revision": FIRST})}
    with fake_dynamodb() as server:
        there = {"Responses": {"chat": [from_item({**other, "revision": FIRST})]}, "UnprocessedKeys": {}}
        server.answers = [
            answer({}),
            refusal("ConditionalCheckFailedException"),
            answer(there),
            answer(found),
            answer({}),
        ]
        table = DynamoDbTable("chat", endpoint_url=server.url)
        changed = change_claims(table, "ann", lambda claims: {**claims, "a": 1}, new=User("ann"))
    assert changed == {"a": 1, "b": 2}
    assert server.operations == ["GetItem", "PutItem", "BatchGetItem", "GetItem", "UpdateItem"]
