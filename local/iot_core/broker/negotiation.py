"""What a CONNECT asks for, and what it is given."""

from iot_core.broker.limits import Limits
from iot_core.mqtt import Connack, Connect, Properties, ReasonCode, Version


def keep_alive(connect: Connect, limits: Limits) -> int:
    """The keep alive of a connection in seconds, within IoT Core's bounds: 0 is the most."""
    wanted = connect.keep_alive or limits.most_keep_alive
    return min(max(wanted, limits.least_keep_alive), limits.most_keep_alive)


def session_expiry(connect: Connect, limits: Limits) -> int:
    """The seconds that a session lives on without a connection; 0 where it ends with it."""
    if connect.version is Version.MQTT_5:
        return min(connect.properties.session_expiry_interval or 0, limits.most_session_expiry)
    return 0 if connect.clean_start else limits.default_session_expiry


def connack(connect: Connect, client_id: str, limits: Limits, *, session_present: bool) -> Connack:
    """The answer to a client that is let in. It names what the client asked for and did not get (MQTT 5.0, 3.2.2.3)."""
    if connect.version is not Version.MQTT_5:
        return Connack(session_present, ReasonCode.SUCCESS)
    expiry, seconds = session_expiry(connect, limits), keep_alive(connect, limits)
    properties = Properties(
        session_expiry_interval=expiry if expiry != (connect.properties.session_expiry_interval or 0) else None,
        receive_maximum=limits.receive_maximum,
        maximum_qos=1,
        retain_available=True,
        maximum_packet_size=limits.packet,
        assigned_client_identifier=None if connect.client_id else client_id,
        topic_alias_maximum=limits.topic_aliases,
        wildcard_subscription_available=True,
        subscription_identifier_available=False,
        shared_subscription_available=True,
        server_keep_alive=seconds if seconds != connect.keep_alive else None,
    )
    return Connack(session_present, ReasonCode.SUCCESS, properties)
