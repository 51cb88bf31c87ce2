"""Strategies for the values of a packet's fields and for all properties of MQTT 5."""

from collections.abc import Mapping

from hypothesis import strategies as st

from iot_core.mqtt import NO_PROPERTIES, Properties, Version

characters = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
strings = st.text(characters, max_size=20)
topic_names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0+#"), min_size=1, max_size=20)
topic_filters = st.sampled_from(("#", "+", "a/+/b", "/", "$share/group/a/#")) | topic_names
binaries = st.binary(max_size=20)
# Around 128 bytes a length begins to take a byte more.
payloads = st.one_of(binaries, st.binary(min_size=90, max_size=140), st.just(b"x" * 20_000))
two_bytes = st.integers(0, 0xFFFF)
four_bytes = st.integers(0, 0xFFFF_FFFF)
packet_ids = st.integers(1, 0xFFFF)
qualities = st.integers(0, 2)

VALUES: dict[str, st.SearchStrategy[object]] = {
    "payload_format_indicator": st.integers(0, 1),
    "message_expiry_interval": four_bytes,
    "content_type": strings,
    "response_topic": topic_names,
    "correlation_data": binaries,
    "session_expiry_interval": four_bytes,
    "assigned_client_identifier": strings,
    "server_keep_alive": two_bytes,
    "authentication_method": strings,
    "authentication_data": binaries,
    "request_problem_information": st.booleans(),
    "will_delay_interval": four_bytes,
    "request_response_information": st.booleans(),
    "response_information": strings,
    "server_reference": strings,
    "reason_string": strings,
    "receive_maximum": st.integers(1, 0xFFFF),
    "topic_alias_maximum": two_bytes,
    "topic_alias": st.integers(1, 0xFFFF),
    "maximum_qos": st.integers(0, 1),
    "retain_available": st.booleans(),
    "user_properties": st.lists(st.tuples(strings, strings), min_size=1, max_size=3).map(tuple),
    "maximum_packet_size": st.integers(1, 0xFFFF_FFFF),
    "wildcard_subscription_available": st.booleans(),
    "subscription_identifier_available": st.booleans(),
    "shared_subscription_available": st.booleans(),
}
identifiers = st.integers(1, 0xFFF_FFFF)

# As the sections on the packets have it (MQTT 5, 3.1.2.11, 3.1.3.2, 3.2.2.3 and so on), not as table 2-4 has it.
_ANSWER = ("reason_string", "user_properties")


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split())


CARRIED: dict[str, tuple[str, ...]] = {
    "CONNECT": _names(
        "session_expiry_interval receive_maximum maximum_packet_size topic_alias_maximum "
        "request_response_information request_problem_information user_properties authentication_method "
        "authentication_data"
    ),
    "WILL": _names(
        "will_delay_interval payload_format_indicator message_expiry_interval content_type response_topic "
        "correlation_data user_properties"
    ),
    "CONNACK": _names(
        "session_expiry_interval receive_maximum maximum_qos retain_available maximum_packet_size "
        "assigned_client_identifier topic_alias_maximum reason_string user_properties "
        "wildcard_subscription_available subscription_identifier_available shared_subscription_available "
        "server_keep_alive response_information server_reference authentication_method authentication_data"
    ),
    "PUBLISH": _names(
        "payload_format_indicator message_expiry_interval topic_alias response_topic correlation_data "
        "user_properties subscription_identifiers content_type"
    ),
    "PUBACK": _ANSWER,
    "SUBSCRIBE": ("subscription_identifiers", "user_properties"),
    "SUBACK": _ANSWER,
    "UNSUBSCRIBE": ("user_properties",),
    "UNSUBACK": _ANSWER,
    "DISCONNECT": ("session_expiry_interval", "reason_string", "user_properties", "server_reference"),
}


def properties(version: Version, carrier: str) -> st.SearchStrategy[Properties]:
    if version is not Version.MQTT_5:
        return st.just(NO_PROPERTIES)
    values = {name: VALUES[name] for name in CARRIED[carrier] if name != "subscription_identifiers"}
    if carrier == "PUBLISH":
        values["subscription_identifiers"] = st.lists(identifiers, min_size=1, max_size=3).map(tuple)
    if carrier == "SUBSCRIBE":
        values["subscription_identifiers"] = st.tuples(identifiers)
    some = st.fixed_dictionaries({}, optional=values).filter(_has_a_method).map(Properties.of)
    return st.just(NO_PROPERTIES) | some


def _has_a_method(chosen: Mapping[str, object]) -> bool:
    return "authentication_data" not in chosen or "authentication_method" in chosen
