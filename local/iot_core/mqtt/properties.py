"""The properties of MQTT 5 (2.2.2)."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, repr=False)
class Properties:
    """What MQTT 5 says beside the fields of a packet or a Will; None or () is what was not said.

    Intervals are seconds, sizes bytes. Which packet may have which property stands in `property_table`.
    """

    # No slots: decoded properties set only what was there, and everything else is the class's default.
    payload_format_indicator: int | None = None
    message_expiry_interval: int | None = None
    content_type: str | None = None
    response_topic: str | None = None
    correlation_data: bytes | None = None
    subscription_identifiers: tuple[int, ...] = ()
    session_expiry_interval: int | None = None
    assigned_client_identifier: str | None = None
    server_keep_alive: int | None = None
    authentication_method: str | None = None
    authentication_data: bytes | None = None
    request_problem_information: bool | None = None
    will_delay_interval: int | None = None
    request_response_information: bool | None = None
    response_information: str | None = None
    server_reference: str | None = None
    reason_string: str | None = None
    receive_maximum: int | None = None
    topic_alias_maximum: int | None = None
    topic_alias: int | None = None
    maximum_qos: int | None = None
    retain_available: bool | None = None
    user_properties: tuple[tuple[str, str], ...] = ()
    maximum_packet_size: int | None = None
    wildcard_subscription_available: bool | None = None
    subscription_identifier_available: bool | None = None
    shared_subscription_available: bool | None = None

    @classmethod
    def of(cls, values: Mapping[str, object]) -> "Properties":
        """Properties of the values that are given by name, which the caller has checked; much faster than the rest."""
        made = cls.__new__(cls)
        vars(made).update(values)
        return made

    def __repr__(self) -> str:
        there = (f"{name}={value!r}" for name, value in vars(self).items() if value not in (None, ()))
        return f"Properties({', '.join(there)})"


NO_PROPERTIES = Properties()
"""The empty properties. Where a packet has none, the decoder gives exactly this object."""
