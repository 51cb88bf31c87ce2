"""The checks of retained messages: over HTTPS, and beyond what a client may receive."""

import base64
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import quote

from iot_authorizer_cli.commands.conformance.checks import Clients, Run, checks_of, message, subscribe
from iot_authorizer_cli.commands.conformance.https import HttpsAnswer, ask_once
from iot_authorizer_cli.commands.conformance.wire import Wire

_LIST = "/retainedMessage"


@contextmanager
def _retained(clients: Clients, *payloads: bytes, rests: tuple[str, ...] = ("",)) -> Iterator[Wire]:
    """A client that has retained messages, one after the other, on each topic. At the end it deletes them."""
    topics = [clients.topic() + rest for rest in rests]
    with clients.connected() as wire:
        for topic in topics:
            for payload in payloads:
                wire.answer(message(topic, retain=True, payload=payload))
        try:
            yield wire
        finally:
            for topic in topics:
                wire.answer(message(topic, retain=True, payload=b""))


def _get(clients: Clients) -> str:
    answer = ask_once(clients, "GET", f"{_LIST}/{quote(clients.topic(), safe='')}")
    payload = base64.b64decode(str(answer.content.get("payload", ""))).decode()
    fields = [", ".join(sorted(answer.content)), f"QoS {answer.content['qos']}", payload] if payload else []
    return "; ".join([str(answer.status), *fields])


def _fields(clients: Clients) -> str:
    with _retained(clients, b"hello"):
        return _get(clients)


def _newest(clients: Clients) -> str:
    with _retained(clients, b"one", b"two"):
        return _get(clients)


def _deleted(clients: Clients) -> str:
    with _retained(clients, b"hello"):
        pass
    return str(ask_once(clients, "GET", f"{_LIST}/{quote(clients.topic(), safe='')}").status)


def _pages(clients: Clients) -> str:
    """The first page of one topic, and the next one. The topics may be others of the account: they are not told."""
    with _retained(clients, b"hello", rests=("/1", "/2")):
        first = ask_once(clients, "GET", _LIST, {"maxResults": "1"})
        token = str(first.content.get("nextToken", ""))
        second = ask_once(clients, "GET", _LIST, {"maxResults": "1", "nextToken": token})
    topics = [_topics(first), _topics(second)]
    if not all(len(each) == 1 for each in topics):
        return f"{first.status}, {second.status}, not one topic in each page"
    [[one], [other]] = topics
    same = one["topic"] == other["topic"]
    return f"{', '.join(sorted(one))}; then {'the same topic' if same else 'another topic'}"


def _topics(answer: HttpsAnswer) -> list[Mapping[str, object]]:
    found = answer.content.get("retainedTopics")
    return found if isinstance(found, list) else []


def _statuses(*queries: Mapping[str, str]) -> Run:
    """The status of a list for each query."""
    return lambda clients: ", ".join(str(ask_once(clients, "GET", _LIST, query).status) for query in queries)


def _wildcard(clients: Clients) -> str:
    with _retained(clients, b"hello", rests=("/1",)) as wire:
        return wire.answer(subscribe(f"{clients.topic()}/+"))


def _again(clients: Clients) -> str:
    with _retained(clients, b"hello") as wire:
        return "; ".join(wire.answer(subscribe(clients.topic(), 0)) for _ in range(2))


def _beyond(clients: Clients) -> str:
    with _retained(clients, b"hello") as wire:
        return wire.answer(subscribe(clients.topic()))


_ASKED: Mapping[str, tuple[str, Run]] = {
    "kept-get": ("Which fields has a retained message over HTTPS?", _fields),
    "kept-newest": ("Does the newest retained message of a topic replace others?", _newest),
    "kept-deleted": ("What is answered about a deleted retained message?", _deleted),
    "kept-pages": ("Which fields has a topic in the list, and does the next token give another topic?", _pages),
    "kept-sizes": (
        "Which sizes of a page are refused?",
        _statuses({"maxResults": "0"}, {"maxResults": "200"}, {"maxResults": "201"}),
    ),
    "kept-token": ("What does a next token get that is made up?", _statuses({"nextToken": "conformance"})),
    "list-refused": ("May a client list retained messages without iot:ListRetainedMessages?", _statuses({})),
    "kept-wildcard": ("Does a filter with a wildcard get a retained message?", _wildcard),
    "kept-again": ("Does a second SUBSCRIBE get the retained message again?", _again),
    "kept-beyond": ("Does a client get a retained message that it may not receive?", _beyond),
}
RETAINED_CHECKS = checks_of(_ASKED)
"""All checks of retained messages by their names."""
