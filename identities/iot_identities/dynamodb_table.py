"""A table in Amazon DynamoDB: partition key `id` (a string), time to live `expires_at`.

Imported only if one is configured: botocore takes as long to import as everything else, and boto3 even longer.
Conditions follow the Amazon DynamoDB Developer Guide, "Condition and filter expressions, operators, and functions".
"""

import logging
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from copy import copy
from math import inf
from typing import TYPE_CHECKING, ParamSpec, TypeVar, cast

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as NoConnection
from botocore.parsers import ResponseParserError

from iot_identities.attribute_values import from_item, to_item
from iot_identities.item_limits import (
    ALWAYS_READ,
    check_id,
    check_ids,
    check_prefix,
    is_same,
    revision_of,
    to_store,
    was_written,
)
from iot_identities.service_data import quick_session
from iot_identities.table import Item, ItemChanged, ItemExists, TableBusy, TableUnavailable

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_dynamodb.type_defs import (
        KeysAndAttributesTypeDef,
        ScanInputTypeDef,
        UniversalAttributeValueTypeDef,
    )

    Keys = Mapping[str, KeysAndAttributesTypeDef]
    Attributes = Mapping[str, UniversalAttributeValueTypeDef]

_P = ParamSpec("_P")
_T = TypeVar("_T")

for _name in ("botocore", "urllib3"):
    logging.getLogger(_name).setLevel(logging.INFO)  # At DEBUG they log answers of AWS, which have password hashes.

CLIENT_CONFIG = Config(connect_timeout=0.5, read_timeout=0.9, retries={"total_max_attempts": 1})
"""A request takes at most 1.4 seconds. It is sent again here and not by botocore, which knows of no deadline."""
_BUSY = ("ProvisionedThroughputExceededException", "RequestLimitExceeded", "ThrottlingException")
_IS_FREE = "attribute_not_exists(#id) OR #expires_at <= :now"
"""A condition: the item has expired or is missing."""


def _is_number(name: str, value: str, number: int) -> str:
    """A condition: the attribute is the number that `value` stands for; a missing attribute is 0."""
    same = f"{name} = {value}"
    return same if number else f"(attribute_not_exists({name}) OR {same})"


def _is_unchanged(replacing: Item, now: int) -> tuple[str, Item]:
    """A condition with its values: the item is there, has the same revision as this one, and has not expired.

    An item that never expires has no condition on that: a writer of claims may not name `expires_at`.
    """
    revision = revision_of(replacing)
    same = f"attribute_exists(#id) AND {_is_number('#revision', ':revision', revision)}"
    if "expires_at" not in replacing:
        return same, {":revision": revision}
    return f"{same} AND #expires_at > :now", {":revision": revision, ":now": now}


def _names(expression: str) -> dict[str, str]:
    """The attribute names behind an expression's `#names`: a reserved word such as `count` needs one."""
    return {name: name[1:] for name in re.findall(r"#\w+", expression)}


class _ConditionFailed(Exception):
    """The item does not meet the condition."""


class _Unanswered(TableUnavailable):
    """DynamoDB did not answer, or its answer is an error of its own: the next request may succeed."""


class DynamoDbTable:
    """Implements `iot_identities.table.Table`. Region and credentials come from the environment."""

    def __init__(
        self,
        name: str,
        *,
        endpoint_url: str | None = None,
        clock: Callable[[], float] = time.time,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        """`clock` returns seconds since 1970, `timer` seconds since any time.

        Raises TableUnavailable without a region or with an invalid URL; other mistakes show with the first call.
        """
        self._name = name
        self._clock = clock
        self._timer = timer
        self._begin_by = inf
        try:
            client = quick_session().create_client("dynamodb", endpoint_url=endpoint_url, config=CLIENT_CONFIG)
        except BotoCoreError as error:
            raise TableUnavailable(type(error).__name__) from None
        except ValueError as error:
            raise TableUnavailable(str(error)) from None
        self._client = cast("DynamoDBClient", client)

    def read(self, ids: Sequence[str]) -> dict[str, Item]:
        """Reads items, strongly consistent. Asks once more for items that DynamoDB left over."""
        found: dict[str, Item] = {}
        left: Sequence[Attributes] = [from_item({"id": id}) for id in check_ids(ids)]
        for _ in range(2):
            if left:
                left = self._read_into(found, left)
        if left:
            raise TableBusy("UnprocessedKeys")
        return found

    def read_part(self, id: str, names: Sequence[str]) -> Item | None:
        """Reads some attributes, strongly consistent."""
        wanted = ", ".join(f"#{name}" for name in dict.fromkeys((*ALWAYS_READ, *names)))
        answer = self._send(
            self._client.get_item,
            TableName=self._name,
            Key=from_item({"id": check_id(id)}),
            ConsistentRead=True,
            ProjectionExpression=wanted,
            ExpressionAttributeNames=_names(wanted),
        )
        with _asking():
            item = to_item(answer["Item"]) if "Item" in answer else None
        return item if item is not None and self._is_live(item) else None

    def write(self, item: Item, *, replacing: Item | None = None, new: bool = False) -> None:
        """Stores an item."""
        stored = to_store(item, now=self._clock(), replacing=replacing, new=new)
        try:
            if replacing is not None:
                self._put(stored, *_is_unchanged(replacing, self._now()))
            elif new:
                self._put(stored, _IS_FREE, {":now": self._now()})
            else:
                self._send(self._client.put_item, TableName=self._name, Item=from_item(stored))
        except _ConditionFailed:
            id = str(item["id"])
            if not was_written(self.read([id]).get(id), stored, new=new):
                raise (ItemExists if new else ItemChanged) from None

    def write_some(self, writes: Sequence[tuple[Item, Item | None]]) -> Sequence[bool]:
        """Stores the first item: BatchWriteItem has no conditions, and one that fails ends a TransactWriteItems."""
        item, replacing = writes[0]
        try:
            self.write(item, replacing=replacing, new=replacing is None)
        except (ItemExists, ItemChanged):
            return [False]
        return [True]

    def write_part(self, changes: Item, *, replacing: Item) -> None:
        """Changes some attributes, in one request."""
        stored = to_store(changes, now=self._clock(), replacing=replacing)
        names = [name for name in stored if name != "id"]
        condition, values = _is_unchanged(replacing, self._now())
        values |= {f":new_{name}": stored[name] for name in names}
        id = str(changes["id"])
        try:
            self._update(id, "SET " + ", ".join(f"#{name} = :new_{name}" for name in names), condition, values)
        except _ConditionFailed:
            before = self.read_part(id, names) or {}
            if not is_same({name: before.get(name) for name in stored}, stored):
                raise ItemChanged from None

    def delete(self, id: str) -> None:
        """Removes an item."""
        key = from_item({"id": check_id(id)})
        self._send(self._client.delete_item, TableName=self._name, Key=key)

    def extend(self, id: str, *, now: int, by: int, most: int, seen: bool) -> bool:
        """Moves `expires_at`, in one request unless another client has begun the item since it was read."""
        if not seen:
            with suppress(_ConditionFailed):
                self._update(id, "SET #expires_at = :end", _IS_FREE, {":end": now + by, ":now": now})
                return True
        with suppress(_ConditionFailed):
            values: Item = {":by": by, ":latest": now + most - by}
            self._update(id, "ADD #expires_at :by", "#expires_at <= :latest", values)
            return True
        return False

    def shorten(self, id: str, *, by: int) -> None:
        """Moves `expires_at` back, in one request."""
        with suppress(_ConditionFailed):
            self._update(id, "ADD #expires_at :less", "attribute_exists(#id)", {":less": -by})

    def keep(self, id: str, *, until: int) -> None:
        """Sets `expires_at`, in one request."""
        self._send(
            self._client.update_item,
            TableName=self._name,
            Key=from_item({"id": check_id(id)}),
            UpdateExpression="SET expires_at = :until",
            ExpressionAttributeValues=from_item({":until": until}),
        )

    def within(self, seconds: float) -> "DynamoDbTable":
        """A copy that begins no request after so many seconds from now."""
        copied = copy(self)
        copied._begin_by = self._timer() + seconds
        return copied

    def items(self, prefix: str) -> Iterator[Item]:
        """All items with this prefix, by a strongly consistent Scan."""
        first: ScanInputTypeDef = {"TableName": self._name, "ConsistentRead": True}
        if check_prefix(prefix):
            first["FilterExpression"] = "begins_with(id, :prefix)"
            first["ExpressionAttributeValues"] = from_item({":prefix": prefix})
        asked = first
        while True:
            answer = self._send(self._client.scan, **asked)
            with _asking():
                found = [to_item(attributes) for attributes in answer["Items"]]
            yield from filter(self._is_live, found)
            if "LastEvaluatedKey" not in answer:
                return
            asked = {**first, "ExclusiveStartKey": answer["LastEvaluatedKey"]}

    def _read_into(self, found: dict[str, Item], keys: Sequence["Attributes"]) -> Sequence["Attributes"]:
        """Reads items into `found` and returns the keys that DynamoDB left over."""
        asked: Keys = {self._name: {"Keys": keys, "ConsistentRead": True}}
        answer = self._send(self._client.batch_get_item, RequestItems=asked)
        with _asking():
            # One table was asked; the answer names it by its name or its ARN.
            for attributes in (each for items in answer["Responses"].values() for each in items):
                item = to_item(attributes)
                if self._is_live(item):
                    found[attributes["id"]["S"]] = item
            return [key for left in answer.get("UnprocessedKeys", {}).values() for key in left["Keys"]]

    def _put(self, item: Item, condition: str, values: Item) -> None:
        """Writes an item if the condition holds. Raises _ConditionFailed."""
        self._send(
            self._client.put_item,
            TableName=self._name,
            Item=from_item(item),
            ConditionExpression=condition,
            ExpressionAttributeNames=_names(condition),
            ExpressionAttributeValues=from_item(values),
        )

    def _update(self, id: str, change: str, condition: str, values: Item) -> None:
        """Changes an item. Raises _ConditionFailed."""
        self._send(
            self._client.update_item,
            TableName=self._name,
            Key=from_item({"id": check_id(id)}),
            UpdateExpression=change,
            ConditionExpression=condition,
            ExpressionAttributeNames=_names(change + condition),
            ExpressionAttributeValues=from_item(values),
        )

    def _send(self, operation: Callable[_P, _T], *args: _P.args, **parameters: _P.kwargs) -> _T:
        """Sends a request, and once more if that can help. Raises TableUnavailable and _ConditionFailed."""
        if self._timer() > self._begin_by:
            raise TableUnavailable("no time left for another request")
        try:
            with _asking():
                return operation(*args, **parameters)
        except (TableBusy, _Unanswered):
            if self._timer() > self._begin_by:
                raise
        with _asking():
            return operation(*args, **parameters)

    def _is_live(self, item: Item) -> bool:
        expires_at = item.get("expires_at")
        return isinstance(expires_at, bool) or not isinstance(expires_at, int) or expires_at > self._now()

    def _now(self) -> int:
        return int(self._clock())


@contextmanager
def _asking() -> Iterator[None]:
    """Turns every error into TableUnavailable or _ConditionFailed."""
    try:
        yield
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "Unknown")
        if code == "ConditionalCheckFailedException":
            raise _ConditionFailed from None
        if code in _BUSY:
            raise TableBusy(code) from None
        is_own = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) >= 500
        raise (_Unanswered if is_own else TableUnavailable)(code) from None
    except (HTTPClientError, NoConnection) as error:
        raise _Unanswered(type(error).__name__) from None
    except (BotoCoreError, ResponseParserError) as error:
        raise TableUnavailable(type(error).__name__) from None
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError):
        raise TableUnavailable("the answer is not DynamoDB's") from None
