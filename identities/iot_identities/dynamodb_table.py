"""A table in Amazon DynamoDB: partition key `id` (a string), time to live `expires_at`.

Imported only if one is configured: botocore takes as long to import as everything else, and boto3 even longer.
Conditions follow the Amazon DynamoDB Developer Guide, "Condition and filter expressions, operators, and functions".
"""

import logging
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, cast

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from iot_identities.attribute_values import from_item, to_item
from iot_identities.item_limits import check_id, check_ids, check_prefix, is_same, revision_of, to_store
from iot_identities.table import Item, ItemChanged, ItemExists, TableBusy, TableUnavailable

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_dynamodb.type_defs import (
        ScanInputTypeDef,
        UniversalAttributeValueTypeDef,
        UpdateItemOutputTypeDef,
    )

    Attributes = Mapping[str, UniversalAttributeValueTypeDef]

for _name in ("botocore", "urllib3"):
    logging.getLogger(_name).setLevel(logging.INFO)  # At DEBUG they log answers of AWS, which have password hashes.

CLIENT_CONFIG = Config(connect_timeout=0.5, read_timeout=0.9, retries={"total_max_attempts": 2, "mode": "legacy"})
"""Under 3 seconds in total. The other retry modes wait for up to a second before they ask a busy table again."""
_BUSY = ("ProvisionedThroughputExceededException", "RequestLimitExceeded", "ThrottlingException")
_ROUNDS = 3
"""Attempts to count: between the two requests of an attempt, another client can have begun to count anew."""
_IS_LIVE = "(attribute_not_exists(#expires_at) OR #expires_at > :now)"
"""A condition: the item has not expired or is missing."""
_IS_EXPIRED = "#expires_at <= :now"
"""A condition: the item exists and has expired."""


def _is_number(name: str, value: str, number: int) -> str:
    """A condition: the attribute is the number that `value` stands for; a missing attribute is 0."""
    same = f"{name} = {value}"
    return same if number else f"(attribute_not_exists({name}) OR {same})"


def _names(expression: str) -> dict[str, str]:
    """The attribute names behind an expression's `#names`: a reserved word such as `count` needs one."""
    return {name: name[1:] for name in re.findall(r"#\w+", expression)}


class _ConditionFailed(Exception):
    """The item does not meet the condition."""


class DynamoDbTable:
    """Implements `iot_identities.table.Table`. Region and credentials come from the environment."""

    def __init__(
        self,
        name: str,
        *,
        endpoint_url: str | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Raises TableUnavailable without a region or with an invalid URL; other mistakes show with the first call."""
        self._name = name
        self._clock = clock
        try:
            session = botocore.session.Session()
            client = session.create_client("dynamodb", endpoint_url=endpoint_url, config=CLIENT_CONFIG)
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

    def write(self, item: Item, *, replacing: Item | None = None, new: bool = False) -> None:
        """Stores an item."""
        stored = to_store(item, replacing=replacing, new=new)
        try:
            if replacing is not None:
                revision = revision_of(replacing)
                same = _is_number("#revision", ":revision", revision)
                condition = f"attribute_exists(#id) AND {same} AND {_IS_LIVE}"
                self._put(stored, condition, {":revision": revision})
            elif new:
                self._put(stored, f"attribute_not_exists(#id) OR {_IS_EXPIRED}", {})
            else:
                with _asking():
                    self._client.put_item(TableName=self._name, Item=from_item(stored))
        except _ConditionFailed:
            id = str(item["id"])
            if not is_same(self.read([id]).get(id), stored):
                raise (ItemExists if new else ItemChanged) from None

    def delete(self, id: str) -> None:
        """Removes an item."""
        key = from_item({"id": check_id(id)})
        with _asking():
            self._client.delete_item(TableName=self._name, Key=key)

    def count(self, id: str, *, at: int, forget_at: int, seen: int | None = None) -> int:
        """Adds 1 if the item has not expired; otherwise begins at 1 if it has expired."""
        fresh = to_store({"id": id, "count": 1, "last": at, "expires_at": forget_at})
        for _ in range(_ROUNDS if seen is None else 1):
            with suppress(_ConditionFailed):
                return self._add(fresh, seen)
            if not seen:
                with suppress(_ConditionFailed):
                    return self._begin(fresh)
        if seen is None:
            raise TableUnavailable("ConditionalCheckFailedException")
        raise ItemChanged

    def recount(self, id: str, *, counted: int, to: int, last: int, forget_at: int) -> bool:
        """Sets the count if it is still `counted`."""
        change = "SET #count = :to, #last = :last, #expires_at = :expires_at"
        condition = _is_number("#count", ":counted", counted)
        values: Item = {":counted": counted, ":to": to, ":last": last, ":expires_at": forget_at}
        with suppress(_ConditionFailed):
            self._update(check_id(id), change, condition, values)
            return True
        return False

    def uncount(self, id: str) -> None:
        """Subtracts 1, in one request."""
        with suppress(_ConditionFailed):
            self._update(check_id(id), "ADD #count :less", "#count > :zero", {":less": -1, ":zero": 0})

    def items(self, prefix: str) -> Iterator[Item]:
        """All items with this prefix, by a strongly consistent Scan."""
        first: ScanInputTypeDef = {"TableName": self._name, "ConsistentRead": True}
        if check_prefix(prefix):
            first["FilterExpression"] = "begins_with(id, :prefix)"
            first["ExpressionAttributeValues"] = from_item({":prefix": prefix})
        asked = first
        while True:
            with _asking():
                answer = self._client.scan(**asked)
                found = [to_item(attributes) for attributes in answer["Items"]]
            yield from filter(self._is_live, found)
            if "LastEvaluatedKey" not in answer:
                return
            asked = {**first, "ExclusiveStartKey": answer["LastEvaluatedKey"]}

    def _read_into(self, found: dict[str, Item], keys: Sequence["Attributes"]) -> Sequence["Attributes"]:
        """Reads items into `found` and returns the keys that DynamoDB left over."""
        with _asking():
            answer = self._client.batch_get_item(RequestItems={self._name: {"Keys": keys, "ConsistentRead": True}})
            # One table was asked; the answer names it by its name or its ARN.
            for attributes in (each for items in answer["Responses"].values() for each in items):
                item = to_item(attributes)
                if self._is_live(item):
                    found[attributes["id"]["S"]] = item
            return [key for left in answer.get("UnprocessedKeys", {}).values() for key in left["Keys"]]

    def _put(self, item: Item, condition: str, values: Item) -> None:
        """Writes an item if the condition holds, which can use `:now`. Raises _ConditionFailed."""
        with _asking():
            self._client.put_item(
                TableName=self._name,
                Item=from_item(item),
                ConditionExpression=condition,
                ExpressionAttributeNames=_names(condition),
                ExpressionAttributeValues=from_item({":now": self._now(), **values}),
            )

    def _add(self, fresh: Item, seen: int | None) -> int:
        """Adds 1 if the item has not expired. Raises _ConditionFailed."""
        change = "ADD #count :one, #revision :one SET #last = :last, #expires_at = :expires_at"
        condition = _IS_LIVE if seen is None else f"{_is_number('#count', ':seen', seen)} AND {_IS_LIVE}"
        values = self._counting(fresh) if seen is None else {**self._counting(fresh), ":seen": seen}
        answer = self._update(fresh["id"], change, condition, values)
        with _asking():
            return int(answer["Attributes"]["count"]["N"])

    def _begin(self, fresh: Item) -> int:
        """Begins at 1 if the item has expired. An update, since the role may be allowed only updates."""
        change = "SET #count = :one, #revision = :one, #last = :last, #expires_at = :expires_at"
        self._update(fresh["id"], change, _IS_EXPIRED, self._counting(fresh))
        return 1

    def _counting(self, fresh: Item) -> Item:
        return {":one": 1, ":now": self._now(), ":last": fresh["last"], ":expires_at": fresh["expires_at"]}

    def _update(self, id: object, change: str, condition: str, values: Item) -> "UpdateItemOutputTypeDef":
        """Changes an item and returns the changed attributes. Raises _ConditionFailed."""
        with _asking():
            return self._client.update_item(
                TableName=self._name,
                Key=from_item({"id": id}),
                UpdateExpression=change,
                ConditionExpression=condition,
                ExpressionAttributeNames=_names(change + condition),
                ExpressionAttributeValues=from_item(values),
                ReturnValues="UPDATED_NEW",
            )

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
        raise (TableBusy if code in _BUSY else TableUnavailable)(code) from None
    except (BotoCoreError, ResponseParserError) as error:
        raise TableUnavailable(type(error).__name__) from None
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError):
        raise TableUnavailable("the answer is not DynamoDB's") from None
