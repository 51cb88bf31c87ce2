"""A table in Amazon DynamoDB: partition key `id` (a string), time to live `expires_at`.

Imported only where one is configured: botocore takes as long to load as all the rest,
and boto3 longer still.
"""

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, cast

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from iot_identities.attributes import from_item, to_item
from iot_identities.conditions import IS_LIVE, IS_OVER, is_number, names
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
    logging.getLogger(_name).setLevel(logging.INFO)  # At DEBUG they log what AWS answers: hashes of passwords.

_QUICK = Config(connect_timeout=0.5, read_timeout=0.9, retries={"total_max_attempts": 2, "mode": "legacy"})
"""Under 3 seconds in all. The other modes wait for up to a second more before they ask a busy table again."""
_BUSY = ("ProvisionedThroughputExceededException", "RequestLimitExceeded", "ThrottlingException")
_ROUNDS = 3
"""Of counting: from the second on, another has begun anew between our two questions."""


class _ConditionFailed(Exception):
    """The item is not as the condition wants it."""


class DynamoDbTable:
    """See `iot_identities.table.Table`. Region and credentials come from the environment."""

    def __init__(
        self,
        name: str,
        *,
        endpoint_url: str | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Raises TableUnavailable without a region or with a wrong URL; the rest shows when the table is asked."""
        self._name = name
        self._clock = clock
        try:
            session = botocore.session.Session()
            client = session.create_client("dynamodb", endpoint_url=endpoint_url, config=_QUICK)
        except BotoCoreError as error:
            raise TableUnavailable(type(error).__name__) from None
        except ValueError as error:
            raise TableUnavailable(str(error)) from None
        self._client = cast("DynamoDBClient", client)

    def read(self, ids: Sequence[str]) -> dict[str, Item]:
        """The items that are there, strongly consistent. What is left over is asked for once more."""
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
                same = is_number("#revision", ":revision", revision)
                condition = f"attribute_exists(#id) AND {same} AND {IS_LIVE}"
                self._put(stored, condition, {":revision": revision})
            elif new:
                self._put(stored, f"attribute_not_exists(#id) OR {IS_OVER}", {})
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
        """Counts, each time with a condition: that the item has not expired, or else that it has."""
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
        """Sets the count, with the condition that it is the one that was counted."""
        change = "SET #count = :to, #last = :last, #expires_at = :expires_at"
        condition = is_number("#count", ":counted", counted)
        values: Item = {":counted": counted, ":to": to, ":last": last, ":expires_at": forget_at}
        with suppress(_ConditionFailed):
            self._update(check_id(id), change, condition, values)
            return True
        return False

    def uncount(self, id: str) -> None:
        """Takes one back, in one request."""
        with suppress(_ConditionFailed):
            self._update(check_id(id), "ADD #count :less", "#count > :zero", {":less": -1, ":zero": 0})

    def items(self, prefix: str) -> Iterator[Item]:
        """All whose ID begins so: a Scan, strongly consistent."""
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
        """Gives the keys that are left over."""
        with _asking():
            answer = self._client.batch_get_item(RequestItems={self._name: {"Keys": keys, "ConsistentRead": True}})
            # Of the one table that was asked, under whichever of its names.
            for attributes in (each for items in answer["Responses"].values() for each in items):
                item = to_item(attributes)
                if self._is_live(item):
                    found[attributes["id"]["S"]] = item
            return [key for left in answer.get("UnprocessedKeys", {}).values() for key in left["Keys"]]

    def _put(self, item: Item, condition: str, values: Item) -> None:
        """Raises _ConditionFailed. The condition may look at `:now`."""
        with _asking():
            self._client.put_item(
                TableName=self._name,
                Item=from_item(item),
                ConditionExpression=condition,
                ExpressionAttributeNames=names(condition),
                ExpressionAttributeValues=from_item({":now": self._now(), **values}),
            )

    def _add(self, fresh: Item, seen: int | None) -> int:
        """Counts where the item has not expired. Raises _ConditionFailed."""
        change = "ADD #count :one, #revision :one SET #last = :last, #expires_at = :expires_at"
        condition = IS_LIVE if seen is None else f"{is_number('#count', ':seen', seen)} AND {IS_LIVE}"
        values = self._counting(fresh) if seen is None else {**self._counting(fresh), ":seen": seen}
        answer = self._update(fresh["id"], change, condition, values)
        with _asking():
            return int(answer["Attributes"]["count"]["N"])

    def _begin(self, fresh: Item) -> int:
        """Counts from 1 where the item has expired: an update, since a role may be allowed no other change."""
        change = "SET #count = :one, #revision = :one, #last = :last, #expires_at = :expires_at"
        self._update(fresh["id"], change, IS_OVER, self._counting(fresh))
        return 1

    def _counting(self, fresh: Item) -> Item:
        return {":one": 1, ":now": self._now(), ":last": fresh["last"], ":expires_at": fresh["expires_at"]}

    def _update(self, id: object, change: str, condition: str, values: Item) -> "UpdateItemOutputTypeDef":
        """Changes an item, and gives what was changed. Raises _ConditionFailed."""
        with _asking():
            return self._client.update_item(
                TableName=self._name,
                Key=from_item({"id": id}),
                UpdateExpression=change,
                ConditionExpression=condition,
                ExpressionAttributeNames=names(change + condition),
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
    """Raises TableUnavailable for whatever goes wrong, and _ConditionFailed."""
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
        raise TableUnavailable("an answer that is not DynamoDB's") from None
