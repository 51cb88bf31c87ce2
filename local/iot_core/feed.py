"""The event feed: what IoT Core decided and did, for the console, the terminal and tests.

Rules:
- A feed keeps the last records. A follower reads them one after the other, and waits for the next one; it needs no
  queue of its own. One that is so slow that its next record is not kept any more misses the oldest.
- A decision says what a policy allowed or denied, or which client was refused and why.
- A decision by a policy is explained when its record is first read, because most records are never read.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing
from functools import partial
from typing import NamedTuple, TypedDict, cast

from iot_core.authorizers.invocation import Asked, Authorization, AuthorizerCall, Forbidden, Refused
from iot_core.iam.access_keys import IamPrincipal
from iot_core.reasons import IotCoreReason


class Record(TypedDict, total=False):
    """What IoT Core decided or did: a JSON object with `id`, `time`, `kind` and the fields of its kind.

    docs/reference/presence-and-feed.md says which kind has which fields, and what they mean.
    """

    id: int
    """From 1."""
    time: int
    """Milliseconds since 1970."""
    kind: str
    action: str
    resource: str
    allowed: bool
    reason: str
    detail: str
    warning: str
    client_id: str
    principal: str
    authorizer: str
    source: str
    hint: str
    address: str
    explanation: list[str]
    event: str
    disconnect_reason: str
    topics: list[str]
    count: int
    rule: str
    topic: str
    attempt: int
    output: str
    ok: bool
    path: str
    problem: str


_LONGEST = 256
"""Characters of a text in a record: clients choose some of these texts."""
_KEPT = 500
"""Records that are kept."""

SIGNATURE = "signature"
"""The credential source of a request that is signed with an access key."""
_WHILE_CONNECTED = frozenset({"publish", "retain", "subscribe", "receive"})
"""Actions of a client whose CONNECT was reported before, with its warning and hint."""

Explanation = Callable[[], Sequence[str]]
"""Finds the reasons of a decision, the deciding template entry first."""

Explain = Callable[[AuthorizerCall, Asked, str | None], Sequence[str]]
"""Finds the reasons of a decision, the deciding template entry first.

It takes the invocation of the authorizer, what the client asked for, and the reason code of a refusal.
"""

_logger = logging.getLogger(__name__)


class _Entry:
    """A record that is explained when it is first read: an explanation takes about a millisecond."""

    __slots__ = ("_explanation", "record")

    def __init__(self, record: Record, explanation: Explanation | None) -> None:
        self.record = record
        self._explanation = explanation

    def read(self, explained: Callable[[Record], bool]) -> Record:
        """The record, with its explanation if `explained` is true for it."""
        if not explained(self.record):
            return self.record
        explanation, self._explanation = self._explanation, None
        if explanation is not None:
            try:
                self.record["explanation"] = list(explanation())
            except Exception:  # A record without its reasons is better than none.
                _logger.exception("a decision could not be explained")
        return self.record


def _always(_: Record) -> bool:
    return True


class Feed:
    """Keeps the last records, for readers and for followers."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        """`clock` gives seconds since 1970."""
        self._clock = clock
        self._entries: deque[_Entry] = deque(maxlen=_KEPT)
        self._count = 0
        self._arrived = asyncio.Event()
        """Set with each record. A follower that has read all records clears it before it waits."""

    @property
    def last_id(self) -> int:
        """The `id` of the last record; 0 if there was none. Other threads may read it."""
        return self._count

    def add(self, kind: str, explanation: Explanation | None = None, **fields: object) -> None:
        """Adds a record. Fields that are None or empty are left out; long texts are cut.

        `explanation` gives the record's `explanation`. It is called when the record is first read.
        """
        self._count += 1
        record: dict[str, object] = {"id": self._count, "time": round(self._clock() * 1000), "kind": kind}
        for name, value in fields.items():
            if isinstance(value, str):
                if value:
                    record[name] = shortened(value)
            elif value is not None and value != ():
                record[name] = value
        self._entries.append(_Entry(cast("Record", record), explanation))
        self._arrived.set()

    def recent(self, explained: Callable[[Record], bool] = _always) -> Iterator[Record]:
        """Yields the last records, oldest first. Those for which `explained` is true are explained when taken."""
        return (entry.read(explained) for entry in tuple(self._entries))

    def follow(self, explained: Callable[[Record], bool] = _always) -> AsyncGenerator[Record]:
        """Yields each record from now on; those for which `explained` is true have their explanation.

        Call it on the event loop of IoT Core. It counts from the call, so records before the first `anext` are not
        missed, up to the 500 that are kept.
        """
        return self._after(self._count, explained)

    async def first(self, wanted: Callable[[Record], bool]) -> Record:
        """The first record that is wanted, of those that are kept and of those to come. Waits until there is one."""
        async with aclosing(self.follow(wanted)) as following:
            for record in self.recent(wanted):
                if wanted(record):
                    return record
            return await anext(record async for record in following if wanted(record))

    async def _after(self, last_read: int, explained: Callable[[Record], bool]) -> AsyncGenerator[Record]:
        while True:
            while last_read == self._count:
                self._arrived.clear()
                await self._arrived.wait()
            oldest = self._count - len(self._entries) + 1
            last_read = max(last_read + 1, oldest)
            yield self._entries[last_read - oldest].read(explained)


def shortened(text: str) -> str:
    """A text as records have it."""
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def unexplained(*_: object) -> Sequence[str]:
    """Finds no reasons."""
    return ()


class Decisions:
    """Adds decisions to the feed, each with an explanation that is found when a user reads it."""

    def __init__(self, feed: Feed) -> None:
        self.explain: Explain = unexplained
        """Explains decisions by the configuration in force; replaced with each configuration."""
        self._feed = feed

    def by_policy(
        self,
        by: Authorization | IamPrincipal,
        client_id: str | None,
        action: str,
        resource: str,
        allowed: bool,
        *,
        question: str | None = None,
        missing: str | None = None,
    ) -> None:
        """Reports that a policy allowed or denied an action, in one word, on a resource.

        The policy is that of an authorizer's answer, or of the principal of a signed request.
        For an HTTPS request, `question` is the action of an MQTT client that needs the same permission, and `missing`
        the permission that the policy does not give.
        """
        reason = None if allowed else IotCoreReason.NOT_ALLOWED_BY_POLICY
        asked = Asked(action if question is None else question, resource, client_id)
        proof, call = _proof(by), by.call if isinstance(by, Authorization) else None
        told = by if isinstance(by, Authorization) and action not in _WHILE_CONNECTED else None
        self._feed.add(
            "decision",
            None if call is None else partial(self.explain, call, asked, reason),
            action=action,
            resource=resource,
            allowed=allowed,
            reason=reason,
            detail=missing,
            warning=told and told.warning,
            client_id=client_id,
            hint=told and told.call.hint,
            principal=proof.principal,
            source=proof.source,
            authorizer=proof.authorizer,
        )

    def doubts(self, by: Authorization | IamPrincipal, client_id: str | None, doubts: Sequence[str]) -> None:
        """Reports the conditions of a client's policy that IoT Core cannot decide; at least one."""
        proof = _proof(by)
        more = f" (and {len(doubts) - 1} more)" if len(doubts) > 1 else ""
        self._feed.add(
            "policy",
            problem=f"{doubts[0]}{more}",
            client_id=client_id,
            principal=proof.principal,
            authorizer=proof.authorizer,
        )

    def refused(self, refused: Refused, action: str, resource: str, *, client_id: str | None = None) -> None:
        """Reports that a client was refused at its CONNECT, its HTTPS request or a refresh."""
        call = refused.call
        proof = _proof(refused.by if isinstance(refused, Forbidden) else call)
        asked = refused.denied if isinstance(refused, Forbidden) else Asked(action, resource, client_id)
        self._feed.add(
            "decision",
            None if call is None else partial(self.explain, call, asked, refused.reason),
            action=action,
            resource=resource,
            allowed=False,
            reason=refused.reason,
            detail=refused.detail,
            client_id=client_id,
            principal=proof.principal,
            source=proof.source,
            authorizer=proof.authorizer,
        )

    def by_function(self, decision: Mapping[str, object], action: str, resource: str) -> None:
        """Reports the decision that a function of an HTTP API has logged."""
        told = ("reason", "detail", "client_id", "principal", "source", "hint")
        allowed = decision.get("decision") == "allowed"
        fields = {name: decision[name] for name in told if isinstance(decision.get(name), str)}
        self._feed.add("decision", None, action=action, resource=resource, allowed=allowed, **fields)

    def refused_bytes(self, address: str, reason: str, detail: str = "") -> None:
        """Reports that a connection from an IP address ended before its CONNECT or HTTP request."""
        self._feed.add("refused_bytes", reason=reason, detail=detail, address=address)


class _Proof(NamedTuple):
    """By which credentials a client was authenticated."""

    principal: str | None = None
    source: str | None = None
    authorizer: str | None = None


def _proof(by: Authorization | AuthorizerCall | IamPrincipal | None) -> _Proof:
    if by is None:
        return _Proof()
    if isinstance(by, IamPrincipal):
        return _Proof(by.name, SIGNATURE)
    call = by.call if isinstance(by, Authorization) else by
    return _Proof(call.principal, call.source, call.authorizer)
