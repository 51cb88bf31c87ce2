"""What is particular to DynamoDB: that it does not answer, not in time, or not all of it."""

import json
import logging
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import boto3
import pytest
from botocore.config import Config

from iot_identities import dynamodb_table
from iot_identities.attribute_values import from_item
from iot_identities.dynamodb_table import DynamoDbTable
from iot_identities.table import Item, ItemChanged, ItemExists, TableBusy, TableUnavailable
from tests.clock import Clock
from tests.identities.fake_dynamodb import FakeDynamoDb, answer, fake_dynamodb, refusal
from tests.identities.questions import ANN, FIRST, NOW, Question, questions

pytestmark = pytest.mark.slow

BUSY = "ProvisionedThroughputExceededException"


@pytest.fixture
def server() -> Iterator[FakeDynamoDb]:
    with fake_dynamodb() as server:
        yield server


@pytest.fixture
def table(server: FakeDynamoDb, patient: None) -> DynamoDbTable:
    return DynamoDbTable("chat", endpoint_url=server.url, clock=Clock(1_800_000_000))


def found(*ids: str, left: tuple[str, ...] = ()) -> tuple[int, bytes]:
    """An answer to BatchGetItem."""
    unprocessed = {"chat": {"Keys": [{"id": {"S": id}} for id in left], "ConsistentRead": True}} if left else {}
    return answer({"Responses": {"chat": [{"id": {"S": id}} for id in ids]}, "UnprocessedKeys": unprocessed})


@questions()
def test_a_table_without_a_server_is_unavailable(ask: Question) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        table = DynamoDbTable("chat", endpoint_url=f"http://127.0.0.1:{bound.getsockname()[1]}")
        with pytest.raises(TableUnavailable, match=r"^EndpointConnectionError$"):
            ask(table)


@questions()
def test_an_answer_that_comes_too_late_is_asked_for_twice(
    server: FakeDynamoDb, monkeypatch: pytest.MonkeyPatch, ask: Question
) -> None:
    monkeypatch.setattr(dynamodb_table, "CLIENT_CONFIG", dynamodb_table.CLIENT_CONFIG.merge(Config(read_timeout=0.05)))
    server.late = True
    with pytest.raises(TableUnavailable, match=r"^ReadTimeoutError$"):
        ask(DynamoDbTable("chat", endpoint_url=server.url))
    for _ in range(2):
        assert server.arrived.acquire(timeout=60)
    assert len(server.asked) == 2


@pytest.mark.parametrize("mode", ["standard", "adaptive"])
def test_botocore_sends_no_request_again_whatever_the_environment_says(
    server: FakeDynamoDb, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    monkeypatch.setenv("AWS_RETRY_MODE", mode)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "9")
    server.answers = [refusal(BUSY)]
    with pytest.raises(TableBusy):
        DynamoDbTable("chat", endpoint_url=server.url).read(["a"])
    assert len(server.asked) == 2


class Ticking(Clock):
    """A timer that each look moves on by a second."""

    def __call__(self) -> float:
        self.now += 1
        return self.now


NOT_ENOUGH: dict[str, tuple[Question, tuple[int, bytes]]] = {
    "a busy table": (lambda table: table.read(["a"]), refusal(BUSY)),
    "an error of DynamoDB's": (lambda table: table.keep("a", until=1), refusal("InternalServerError", 500)),
    "items left over": (
        lambda table: table.read(["a"]),
        answer({"Responses": {}, "UnprocessedKeys": {"chat": {"Keys": [{"id": {"S": "a"}}]}}}),
    ),
    "an item that another client has begun": (
        lambda table: table.extend("a", now=1, by=1, most=1, seen=False),
        refusal("ConditionalCheckFailedException"),
    ),
}


@pytest.mark.parametrize(("ask", "first"), NOT_ENOUGH.values(), ids=NOT_ENOUGH)
@pytest.mark.parametrize(("seconds", "requests"), [(0, 0), (1, 1), (9, 2)])
def test_after_the_time_for_a_decision_no_request_begins(
    server: FakeDynamoDb, patient: None, ask: Question, first: tuple[int, bytes], seconds: int, requests: int
) -> None:
    server.answers = [first]
    table = DynamoDbTable("chat", endpoint_url=server.url, timer=Ticking(0))
    with suppress(TableUnavailable):
        ask(table.within(seconds))
    assert len(server.asked) == requests


def test_a_request_takes_less_than_one_and_a_half_seconds(
    server: FakeDynamoDb, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So the requests of a decision take less than 3 of the 5 seconds that IoT Core waits."""
    server.late = True
    started = time.monotonic()
    with pytest.raises(TableUnavailable, match="ReadTimeoutError"):
        DynamoDbTable("chat", endpoint_url=server.url).within(0.1).read(["a"])
    assert (len(server.asked), 0.9 <= time.monotonic() - started < 3) == (1, True)


@questions()
@pytest.mark.parametrize(
    ("code", "status", "error"), [(BUSY, 400, TableBusy), ("InternalServerError", 500, TableUnavailable)]
)
def test_a_dynamodb_that_is_busy_or_broken_is_asked_twice(
    server: FakeDynamoDb, table: DynamoDbTable, ask: Question, code: str, status: int, error: type[TableUnavailable]
) -> None:
    server.answers = [refusal(code, status)]
    with pytest.raises(error, match=f"^{code}$"):
        ask(table)
    assert len(server.asked) == 2


@questions()
@pytest.mark.parametrize("code", ["AccessDeniedException", "ResourceNotFoundException", "ValidationException"])
def test_a_refusal_is_reported_only_by_its_name(
    server: FakeDynamoDb, table: DynamoDbTable, ask: Question, code: str
) -> None:
    server.answers = [refusal(code)]
    with pytest.raises(TableUnavailable, match=f"^{code}$") as refused:
        ask(table)
    assert refused.value.__suppress_context__
    assert len(server.asked) == 1


@questions()
def test_a_table_that_is_not_there_is_unavailable(dynamodb_name: str, ask: Question) -> None:
    with pytest.raises(TableUnavailable, match=r"^ResourceNotFoundException$"):
        ask(DynamoDbTable(f"{dynamodb_name}-not"))


@questions("read", "items")
@pytest.mark.parametrize("body", [b"", b"{}", b"<html>Sign in to use this network</html>"])
def test_an_answer_that_is_not_dynamodbs_is_an_error(
    server: FakeDynamoDb, table: DynamoDbTable, ask: Question, body: bytes
) -> None:
    server.answers = [(200, body)]
    with pytest.raises(TableUnavailable):
        ask(table)


@questions()
def test_without_credentials_it_is_unavailable(
    server: FakeDynamoDb, monkeypatch: pytest.MonkeyPatch, ask: Question
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    with pytest.raises(TableUnavailable, match=r"^NoCredentialsError$"):
        ask(DynamoDbTable("chat", endpoint_url=server.url))


@pytest.mark.parametrize(
    ("profile", "error"), [(None, "NoRegionError"), ("nobody", "ProfileNotFound")], ids=["no region", "no profile"]
)
def test_a_wrong_environment_makes_it_unavailable(
    monkeypatch: pytest.MonkeyPatch, profile: str | None, error: str
) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    if profile is not None:
        monkeypatch.setenv("AWS_PROFILE", profile)
    with pytest.raises(TableUnavailable, match=f"^{error}$"):
        DynamoDbTable("chat")


def test_a_table_with_an_invalid_url_is_unavailable() -> None:
    with pytest.raises(TableUnavailable, match="Invalid endpoint: nonsense"):
        DynamoDbTable("chat", endpoint_url="nonsense")


def test_one_reading_is_one_request_strongly_consistent_and_none_for_no_items(
    server: FakeDynamoDb, table: DynamoDbTable
) -> None:
    server.answers = [found("a")]
    table.read(["a", "b"])
    table.read([])
    keys = [{"id": {"S": "a"}}, {"id": {"S": "b"}}]
    assert server.asked == [("BatchGetItem", {"RequestItems": {"chat": {"Keys": keys, "ConsistentRead": True}}})]


def test_items_that_were_left_over_are_asked_for_once_more(server: FakeDynamoDb, table: DynamoDbTable) -> None:
    server.answers = [found("a", left=("b",)), found("b")]
    assert table.read(["a", "b"]).keys() == {"a", "b"}
    assert server.asked[1][1]["RequestItems"] == {"chat": {"Keys": [{"id": {"S": "b"}}], "ConsistentRead": True}}


def test_items_that_are_left_over_again_are_unavailable(server: FakeDynamoDb, table: DynamoDbTable) -> None:
    server.answers = [found("a", left=("b",))]
    with pytest.raises(TableBusy, match=r"^UnprocessedKeys$"):
        table.read(["a", "b"])
    assert len(server.asked) == 2


def there(item: Item) -> tuple[int, bytes]:
    """An answer to BatchGetItem."""
    return answer({"Responses": {"chat": [from_item(item)]}, "UnprocessedKeys": {}})


OPTIONS: dict[str, tuple[dict[str, Any], int]] = {
    "new": ({"new": True}, 1),
    "replacing": ({"replacing": {**ANN, "revision": 4}}, 5),
}


@pytest.mark.parametrize(("options", "revision"), OPTIONS.values(), ids=OPTIONS)
def test_a_write_whose_answer_was_lost_is_not_a_conflict(
    server: FakeDynamoDb, table: DynamoDbTable, options: dict[str, Any], revision: int
) -> None:
    """The second request meets what the first has written."""
    server.answers = [
        refusal("InternalServerError", 500),
        refusal("ConditionalCheckFailedException"),
        there({**ANN, "revision": revision}),
    ]
    table.write(ANN, **options)
    assert server.operations == ["PutItem", "PutItem", "BatchGetItem"]


@pytest.mark.parametrize(("options", "revision"), OPTIONS.values(), ids=OPTIONS)
def test_an_item_that_was_written_meanwhile_is_a_conflict(
    server: FakeDynamoDb, table: DynamoDbTable, options: dict[str, Any], revision: int
) -> None:
    server.answers = [
        refusal("ConditionalCheckFailedException"),
        there({**ANN, "revision": revision, "by": "another"}),
    ]
    with pytest.raises((ItemExists, ItemChanged)):
        table.write(ANN, **options)


MOVES: dict[str, Question] = {
    "extend an item": lambda table: table.extend("failures#a", now=1, by=1, most=2, seen=True),
    "begin an item": lambda table: table.extend("failures#a", now=1, by=1, most=2, seen=False),
    "shorten an item": lambda table: table.shorten("failures#a", by=1),
    "keep an item": lambda table: table.keep("failures#a", until=1),
}


REFUSED = {"extend an item": 1, "begin an item": 2, "shorten an item": 1}
"""The requests if the item is not as the condition says."""


@pytest.mark.parametrize("move", MOVES.values(), ids=MOVES)
def test_each_move_of_an_expiry_is_one_update_since_the_lambda_may_do_nothing_else(
    server: FakeDynamoDb, table: DynamoDbTable, move: Question
) -> None:
    move(table)
    assert server.operations == ["UpdateItem"]


@pytest.mark.parametrize(("name", "requests"), REFUSED.items(), ids=REFUSED)
def test_only_an_item_that_another_client_has_begun_meanwhile_takes_two(
    server: FakeDynamoDb, table: DynamoDbTable, name: str, requests: int
) -> None:
    server.answers = [refusal("ConditionalCheckFailedException")]
    assert not MOVES[name](table)
    assert server.operations == ["UpdateItem"] * requests


def test_items_are_scanned_strongly_consistent_page_by_page_and_a_missing_page_is_not_the_end(
    server: FakeDynamoDb, table: DynamoDbTable
) -> None:
    last = {"id": {"S": "user#a"}}
    server.answers = [
        answer({"Items": [last], "LastEvaluatedKey": last}),
        answer({"Items": [], "LastEvaluatedKey": last}),
        answer({"Items": [{"id": {"S": "user#b"}}], "LastEvaluatedKey": last}),
        refusal("AccessDeniedException"),
    ]
    items = table.items("user#")
    assert [next(items)["id"] for _ in range(2)] == ["user#a", "user#b"]
    with pytest.raises(TableUnavailable):
        next(items)
    assert [(operation, body["ConsistentRead"]) for operation, body in server.asked] == [("Scan", True)] * 4
    assert [body.get("ExclusiveStartKey") for _, body in server.asked] == [None, last, last, last]


def test_every_name_and_value_of_a_request_is_used(dynamodb_name: str) -> None:
    """DynamoDB refuses what is in excess; moto does too."""
    table = DynamoDbTable(dynamodb_name, clock=Clock(NOW))
    item = {**ANN, "expires_at": round(NOW) + 1}
    table.write(ANN, new=True)
    table.write(item, replacing={**ANN, "revision": FIRST})
    table.write(ANN, replacing={**item, "revision": FIRST + 1})
    for move in MOVES.values():
        move(table)
    assert table.read(["user#ann"])["user#ann"]["revision"] == FIRST + 2


def test_attributes_that_other_programs_wrote_are_read(dynamodb_name: str) -> None:
    attributes: Any = {
        "id": {"S": "user#ann"},
        "expires_at": {"S": "never"},
        "weight": {"N": "0.5"},
        "names": {"SS": ["a"]},
        "numbers": {"NS": ["1"]},
        "photo": {"B": b"\xff"},
    }
    boto3.client("dynamodb").put_item(TableName=dynamodb_name, Item=attributes)
    expected: Item = {
        "id": "user#ann",
        "expires_at": "never",
        "weight": 0.5,
        "names": ["a"],
        "numbers": [1],
        "photo": b"\xff",
    }
    table = DynamoDbTable(dynamodb_name)
    assert (table.read(["user#ann"]), list(table.items("user#"))) == ({"user#ann": expected}, [expected])


def test_an_item_without_a_revision_is_replaced(dynamodb_name: str) -> None:
    boto3.client("dynamodb").put_item(TableName=dynamodb_name, Item=from_item(ANN))
    table = DynamoDbTable(dynamodb_name)
    table.write(ANN, replacing=table.read(["user#ann"])["user#ann"])
    assert table.read(["user#ann"])["user#ann"]["revision"] == 1


def test_an_expiry_that_is_not_a_number_is_not_moved(dynamodb_name: str) -> None:
    boto3.client("dynamodb").put_item(TableName=dynamodb_name, Item={"id": {"S": "a"}, "expires_at": {"S": "never"}})
    table = DynamoDbTable(dynamodb_name)
    with pytest.raises(TableUnavailable, match=r"^ValidationException$"):
        table.shorten("a", by=1)


@questions("read", "items")
def test_stored_data_is_not_logged(
    server: FakeDynamoDb, table: DynamoDbTable, ask: Question, caplog: pytest.LogCaptureFixture
) -> None:
    item = {"id": {"S": "user#ann"}, "hash": {"S": "secret"}}
    server.answers = [answer({"Responses": {"chat": [item]}, "Items": [item]})]
    caplog.set_level(logging.DEBUG)
    assert "secret" in json.dumps(ask(table))
    assert "secret" not in caplog.text


def test_a_table_that_answers_under_another_of_its_names_is_read(server: FakeDynamoDb, table: DynamoDbTable) -> None:
    server.answers = [answer({"Responses": {"arn:chat": [{"id": {"S": "user#ann"}}]}})]
    assert table.read(["user#ann"]) == {"user#ann": {"id": "user#ann"}}


def test_unprocessed_keys_under_another_table_name_are_not_ignored(server: FakeDynamoDb, table: DynamoDbTable) -> None:
    left = {"arn:chat": {"Keys": [{"id": {"S": "user#ann"}}]}}
    server.answers = [answer({"Responses": {}, "UnprocessedKeys": left})]
    with pytest.raises(TableUnavailable, match="UnprocessedKeys"):
        table.read(["user#ann"])


@pytest.mark.parametrize("body", [{}, {"Responses": 7}, {"Responses": {"chat": 7}}, {"Responses": {"chat": [7]}}, []])
def test_an_answer_of_another_shape_is_none(server: FakeDynamoDb, table: DynamoDbTable, body: object) -> None:
    server.answers = [answer(body)]
    with pytest.raises(TableUnavailable):
        table.read(["user#ann"])


def test_an_expiry_that_is_not_a_number_is_ignored(server: FakeDynamoDb, table: DynamoDbTable) -> None:
    item = {"id": {"S": "revoked#a"}, "expires_at": {"BOOL": True}}
    server.answers = [answer({"Responses": {"chat": [item]}})]
    assert list(table.read(["revoked#a"])) == ["revoked#a"]
