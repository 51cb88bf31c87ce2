"""The checks of session policies: a session may do what both its role and its own policy allow.

Each makes a session of the role that the user named, with a policy of its own. If a session without a limit may not do
the same, the role does not allow it, and the check says nothing: it is not tried.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from iot_authorizer_cli.commands.conformance.aws_key import AwsKey, RequestSigning
from iot_authorizer_cli.commands.conformance.checks import Clients, NotConnected, Run, checks_of, message, subscribe
from iot_authorizer_cli.commands.conformance.sigv4_checks import EVERYTHING, principal, publish
from iot_authorizer_cli.commands.conformance.websocket import connected_over_websocket
from iot_authorizer_cli.commands.conformance.wire import NotTried, RoleRefused, described
from iot_core.mqtt import Publish, Subscribe, Subscription, Version, Will
from iot_policies.account_region import AccountRegion

_Statements = Sequence[Mapping[str, object]]
_Act = Callable[[Clients, AwsKey], str]
_PUBLISHED, _SUBSCRIBED, _CONNECTED, _TAKEN = "PUBACK 0x00", "SUBACK 0x01", "CONNACK 0x00", "200"
_KEYS = (
    "aws:CurrentTime",
    "aws:EpochTime",
    "aws:SecureTransport",
    "aws:SourceIp",
    "aws:TokenIssueTime",
    "aws:userid",
    "aws:PrincipalArn",
    "iot:DomainName",
)
"""As many as a SUBSCRIBE has filters."""
_ATTRIBUTES = {"ForAllValues:StringEquals": {"iot:ConnectAttributes": ["PersistentConnect"]}}


class _Question(NamedTuple):
    asks: str
    act: _Act
    succeeds: str
    """What it is answered without a limit."""
    policy: Callable[["_Arns"], _Statements]


class _Arns(NamedTuple):
    """Makes the statements of one check."""

    clients: Clients
    prefix: str

    @property
    def connect(self) -> Mapping[str, object]:
        """Allows the client's own ID."""
        return self.allow("Connect", f"client/{self.clients.client_id()}")

    def allow(self, action: str, resource: str, **more: object) -> Mapping[str, object]:
        """Allows an action on a resource."""
        return {"Effect": "Allow", "Action": f"iot:{action}", "Resource": f"{self.prefix}{resource}", **more}

    def topic(self, action: str = "Publish", below: str = "") -> Mapping[str, object]:
        """Allows an action on the check's topic, or below it."""
        return self.allow(action, f"topic/{self.clients.topic()}{below}")

    def topic_filter(self, below: str = "") -> Mapping[str, object]:
        """Allows to subscribe to the check's topic, or below it."""
        return self.allow("Subscribe", f"topicfilter/{self.clients.topic()}{below}")


def _connects(clients: Clients, key: AwsKey, **fields: object) -> str:
    try:
        with connected_over_websocket(clients, RequestSigning().query(key, clients.endpoint.address), **fields):
            return _CONNECTED
    except NotConnected as error:
        return str(error)


def _connects_with_will(clients: Clients, key: AwsKey) -> str:
    return _connects(clients, key, will=Will(clients.topic(), b"gone", 1))


def _sends(clients: Clients, key: AwsKey, *packets: Publish | Subscribe) -> str:
    with connected_over_websocket(clients, RequestSigning().query(key, clients.endpoint.address)) as wire:
        return wire.answer(*packets)


def _publishes(clients: Clients, key: AwsKey) -> str:
    return _sends(clients, key, message(clients.topic()))


def _publishes_below(clients: Clients, key: AwsKey) -> str:
    return _sends(clients, key, message(f"{clients.topic()}/a/b"))


def _subscribes(below: str) -> _Act:
    return lambda clients, key: _sends(clients, key, subscribe(f"{clients.topic()}{below}"))


def _subscribes_to_each(clients: Clients, key: AwsKey) -> str:
    """Subscribes to a topic for each of the keys."""
    filters = (Subscription(f"{clients.topic()}/{number}", 1) for number in range(len(_KEYS)))
    return _sends(clients, key, Subscribe(1, tuple(filters)))


def _with_key(arns: _Arns, number: int, key: str) -> Mapping[str, object]:
    """Allows to subscribe to one of these topics if a condition key has a value."""
    return {**arns.topic_filter(f"/{number}"), "Condition": {"Null": {key: "false"}}}


def _echoes(clients: Clients, key: AwsKey) -> str:
    with connected_over_websocket(clients, RequestSigning().query(key, clients.endpoint.address)) as wire:
        wire.answer(subscribe(clients.topic()))
        wire.send(message(clients.topic()))
        return described(wire.next_of(Publish))


_QUESTIONS: Mapping[str, _Question] = {
    "session-allowed": _Question(
        "May a session publish what its policy allows?", _publishes, _PUBLISHED, lambda a: [a.connect, a.topic()]
    ),
    "session-publish-refused": _Question(
        "What does a session get that publishes what its policy does not allow?",
        _publishes,
        _PUBLISHED,
        lambda a: [a.connect, a.topic(below="/other")],
    ),
    "session-connect-refused": _Question(
        "What does a session get whose policy does not allow it to connect?",
        _connects,
        _CONNECTED,
        lambda a: [a.topic()],
    ),
    "session-deny": _Question(
        "Does a denial in a session's policy win?",
        _publishes,
        _PUBLISHED,
        lambda a: [a.allow("*", "*"), {**a.topic(), "Effect": "Deny"}],
    ),
    "session-star": _Question(
        "Does a * in a session's policy match slashes?",
        _publishes_below,
        _PUBLISHED,
        lambda a: [a.connect, a.topic(below="/*")],
    ),
    "session-star-itself": _Question(
        "Does ${*} in a session's policy match a * in a topic filter?",
        _subscribes("/*"),
        _SUBSCRIBED,
        lambda a: [a.connect, a.topic_filter("/${*}")],
    ),
    "session-star-only": _Question(
        "Does ${*} in a session's policy match anything else?",
        _subscribes("/a"),
        _SUBSCRIBED,
        lambda a: [a.connect, a.topic_filter("/${*}")],
    ),
    "session-plus": _Question(
        "Does a + in a session's policy match a level of a topic filter?",
        _subscribes("/a"),
        _SUBSCRIBED,
        lambda a: [a.connect, a.topic_filter("/+")],
    ),
    "session-old-mqtt": _Question(
        "What does a SUBSCRIBE of MQTT 3.1 get that is not allowed?",
        lambda c, key: _subscribes("")(replace(c, version=Version.MQTT_3_1), key),
        _SUBSCRIBED,
        lambda a: [a.connect],
    ),
    "session-client-id": _Question(
        "Is ${iot:ClientId} filled in a session's policy?",
        _publishes,
        _PUBLISHED,
        lambda a: [a.allow("Connect", "client/${iot:ClientId}"), a.topic()],
    ),
    "session-receive-refused": _Question(
        "Does a session get a message that it may not receive?",
        _echoes,
        "PUBLISH QoS 1: hello",
        lambda a: [a.connect, a.topic(), a.topic_filter()],
    ),
    "session-attributes": _Question(
        "May a session connect that has none of the limited connect attributes?",
        _connects,
        _CONNECTED,
        lambda a: [{**a.connect, "Condition": _ATTRIBUTES}, a.topic()],
    ),
    "session-attributes-will": _Question(
        "What does a session get that connects with a Will, if its policy does not allow one?",
        _connects_with_will,
        _CONNECTED,
        lambda a: [{**a.connect, "Condition": _ATTRIBUTES}, a.topic()],
    ),
    "session-keys": _Question(
        f"Which of these keys has a signed client: {', '.join(_KEYS)}?",
        _subscribes_to_each,
        f"SUBACK{' 0x01' * len(_KEYS)}",
        lambda a: [a.connect, *(_with_key(a, number, key) for number, key in enumerate(_KEYS))],
    ),
    "session-http": _Question(
        "May a session publish by HTTPS what its policy allows?", publish, _TAKEN, lambda a: [a.topic()]
    ),
    "session-http-refused": _Question(
        "What does a session get that publishes by HTTPS what its policy does not allow?",
        publish,
        _TAKEN,
        lambda a: [a.topic(below="/other")],
    ),
}


def _answer(question: _Question, clients: Clients) -> str:
    key = clients.endpoint.find_key()
    # Another client ID: each may connect once a second.
    found = question.act(replace(clients, check=f"{clients.check}-all"), key.assume(EVERYTHING))
    if found != question.succeeds:
        raise NotTried(f"a session without a limit gets {found}: name a role that allows iot:*")
    prefix = f"arn:{AccountRegion(key.region, '*').partition}:iot:*:*:"
    statements = question.policy(_Arns(clients, prefix))
    return question.act(clients, key.assume(_policy(statements)))


def _policy(statements: _Statements) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements}, separators=(",", ":"))


def _ask(question: _Question) -> Run:
    return lambda clients: _answer(question, clients)


def _of_size(clients: Clients, size: int) -> str:
    """What STS answers to a session policy with so many characters."""
    try:
        clients.endpoint.find_key().assume(EVERYTHING.ljust(size))
    except RoleRefused as refused:
        return refused.code
    return "a session"


def _principal(clients: Clients) -> str:
    return principal(clients, clients.endpoint.find_key().assume(EVERYTHING))


_OTHERS: dict[str, tuple[str, Run]] = {
    "session-policy-2048": ("What does a session policy of 2,048 characters get?", lambda c: _of_size(c, 2048)),
    "session-policy-2049": ("What does one of 2,049 characters get?", lambda c: _of_size(c, 2049)),
    "session-principal": ("Which principal ID has the session of a role?", _principal),
}
SESSION_CHECKS = checks_of(_OTHERS | {name: (each.asks, _ask(each)) for name, each in _QUESTIONS.items()})
"""All of them by their names."""
