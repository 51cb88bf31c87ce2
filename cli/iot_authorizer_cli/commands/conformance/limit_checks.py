"""The checks of limits: subscriptions, levels, and bytes or characters of topics and client IDs."""

from collections.abc import Mapping

from iot_authorizer_cli.commands.conformance.checks import Clients, Run, checks_of, message, subscribe
from iot_authorizer_cli.commands.conformance.policy_checks import filters
from iot_authorizer_cli.commands.conformance.wire import Wire, connect_packet, described
from iot_core.mqtt import Connack, Properties, Publish, Suback

_SUBSCRIPTIONS = 50
_FILTERS = 8
_TOPIC = 256
_CLIENT_ID = 128


def _filled(clients: Clients, size: int, filler: str = "x") -> str:
    """A topic of so many characters."""
    begin = f"{clients.topic()}/"
    return begin + filler * (size - len(begin))


def _published(size: int, filler: str = "x") -> Run:
    """What a topic of so many characters gets."""

    def run(clients: Clients) -> str:
        with clients.connected() as wire:
            return wire.answer(message(_filled(clients, size, filler)))

    return run


def _subscribed(size: int) -> Run:
    """What a filter of so many bytes gets."""

    def run(clients: Clients) -> str:
        with clients.connected() as wire:
            return wire.answer(subscribe(_filled(clients, size), 0))

    return run


def _one_more(clients: Clients) -> str:
    """What the subscription after the 50th gets, and whether the connection goes on."""
    with clients.connected() as wire:
        refused = 0
        for first in range(0, _SUBSCRIPTIONS, _FILTERS):
            numbers = range(first, min(first + _FILTERS, _SUBSCRIPTIONS))
            wire.send(filters(clients, *(f"/{number}" for number in numbers)))
            found = wire.next_of(Suback)
            refused += sum(code >= 0x80 for code in found.reason_codes) if isinstance(found, Suback) else len(numbers)
        return f"{refused} of {_SUBSCRIPTIONS} refused, then {wire.answer(filters(clients, '/one-more'))}"


def _levels(clients: Clients) -> str:
    with clients.connected() as wire:
        return wire.answer(filters(clients, "/5/6/7/8", "/5/6/7/8/9", "/5/6/7/#", "/5/6/7/8/#"))


def _response_topic(clients: Clients) -> str:
    """A response topic whose levels are too many for a topic."""
    properties = Properties(response_topic=f"{clients.topic()}/5/6/7/8/9")
    with clients.connected() as wire:
        return wire.answer(Publish(clients.topic(), b"hello", 1, packet_id=1, properties=properties))


def _largest_payload(clients: Clients) -> str:
    with clients.connected() as wire:
        return wire.answer(message(clients.topic(), payload=bytes(128 * 1024)))


def _keep_alive(clients: Clients) -> str:
    with Wire(clients.endpoint, clients.version) as wire:
        wire.send(connect_packet(clients.endpoint, clients.version, clients.client_id(), keep_alive=5))
        found = wire.read()
        return str(found.properties.server_keep_alive) if isinstance(found, Connack) else described(found)


def _client_id(filler: str, size: int) -> Run:
    """What a client ID of so many characters gets."""

    def run(clients: Clients) -> str:
        begin = clients.client_id("")
        return clients.answer(begin + filler * (size - len(begin)))

    return run


def _parent(clients: Clients) -> str:
    """What arrives of `t` and `t/` by a subscription to `t/#`."""
    with clients.connected() as wire:
        wire.answer(filters(clients, "/#"))

        sent = {"": b"without it", "/": b"with an empty one"}
        return "; ".join(wire.answer(message(clients.topic() + rest, 0, payload=sent[rest])) for rest in sent)


_ASKED: Mapping[str, tuple[str, Run]] = {
    "subscription-51": ("What does the 51st subscription of a connection get?", _one_more),
    "topic-256": ("What does a topic of 256 bytes get?", _published(_TOPIC)),
    "topic-257": ("What does a topic of 257 bytes get?", _published(_TOPIC + 1)),
    "topic-characters": ("What does a topic of 256 characters get that has more bytes?", _published(_TOPIC, "é")),
    "filter-256": ("What does a topic filter of 256 bytes get?", _subscribed(_TOPIC)),
    "filter-257": ("What does a topic filter of 257 bytes get?", _subscribed(_TOPIC + 1)),
    "filter-levels": ("What do topic filters of 8 and 9 levels get?", _levels),
    "response-topic": ("What does a response topic of 9 levels get?", _response_topic),
    "client-id-characters": (
        "What does a client ID of 128 characters get that has more bytes?",
        _client_id("é", _CLIENT_ID),
    ),
    "client-id-plus": ("What does a client ID with a + get?", lambda clients: clients.answer(clients.client_id("+"))),
    "keep-alive": ("What does CONNACK say to a keep-alive of 5 seconds?", _keep_alive),
    "payload-128": ("What does a payload of 128 KB get?", _largest_payload),
    "hash-parent": ("Does a filter that ends with /# get the topic without its last level?", _parent),
}

LIMIT_CHECKS = checks_of(_ASKED)
"""All checks of limits by their names."""
