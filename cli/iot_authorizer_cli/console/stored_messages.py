"""What the broker stores: retained messages, and sessions without a connection with their queued messages.

At most 100 of each are shown, in the order of topics and of client IDs; the totals count all. All of it outlives a
restart of `dev`.
"""

from collections.abc import Iterable, Mapping
from itertools import islice

from iot_core.broker.broker import Broker
from iot_core.broker.message import Message
from iot_core.broker.retained import Retained
from iot_core.broker.session import Session
from iot_core.feed import shortened

_MOST = 100
"""Retained messages that are shown, sessions, and topic filters and queued messages of each session."""
_MOST_BYTES = 128
"""Bytes that are shown of a payload that is not text."""


def stored_messages(broker: Broker) -> Mapping[str, object]:
    """What the broker stores, as JSON. Times are in milliseconds since 1970."""
    absent = sorted((each for each in broker.sessions() if not each.connected), key=lambda each: each.client_id)
    return {
        "retained": _first(map(_retained, broker.retained.items())),
        "retained_total": len(broker.retained),
        "sessions_total": len(absent),
        "sessions": _first(map(_session, absent)),
    }


def _retained(retained: Retained) -> Mapping[str, object]:
    return {**_message(retained.message), "published": retained.modified_ms}


def _session(session: Session) -> Mapping[str, object]:
    since = session.disconnected_since or 0
    queued = [delivery.message for delivery in session.queue.deliveries]
    return {
        "client_id": session.client_id,
        "disconnected": round(since * 1000),
        "disconnect_reason": session.disconnect_reason,
        "ends": round((since + session.expiry_interval) * 1000),
        "topic_filters": _first(session.subscriptions),
        "queued_total": len(queued),
        "queued": _first(map(_message, queued)),
    }


def _message(message: Message) -> Mapping[str, object]:
    return {
        "topic": message.topic,
        "payload": _readable(message.payload),
        "size": len(message.payload),
        "qos": message.qos,
    }


def _readable(payload: bytes) -> str:
    """A payload as text, or in hexadecimal if it is not UTF-8; a long one is cut."""
    try:
        return shortened(payload.decode())
    except UnicodeDecodeError:
        return shortened(payload[:_MOST_BYTES].hex(" "))


def _first(found: Iterable[object]) -> list[object]:
    return list(islice(found, _MOST))
