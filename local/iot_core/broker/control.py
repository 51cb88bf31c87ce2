"""What a client sends beside messages and their acknowledgements."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from iot_core.broker.presence import DisconnectReason
from iot_core.broker.subscribing import subscribe, unsubscribe
from iot_core.mqtt import (
    Disconnect,
    Pingreq,
    Pingresp,
    ProtocolError,
    ReasonCode,
    Subscribe,
    Unsubscribe,
    Version,
    encode,
)

if TYPE_CHECKING:
    from iot_core.broker.client import Client

_PINGRESP = encode(Pingresp(), Version.MQTT_3_1_1)


def ping(client: "Client", _: Pingreq) -> None:
    """Answers."""
    client.outlet.write(_PINGRESP)


def disconnect(client: "Client", packet: Disconnect) -> None:
    """Ends the connection as its client wants it. Raises MqttError."""
    session = client.session
    expiry = packet.properties.session_expiry_interval
    if expiry is not None:
        if expiry and not session.persistent:
            raise ProtocolError("a session without expiry gets none at its end (MQTT 5.0, section 3.14.2.2.2)")
        session.expiry_interval = min(expiry, client.broker.limits.most_session_expiry)
    # Any other code than 0 publishes the Will [MQTT-3.14.4-3].
    with_will = packet.reason_code != ReasonCode.NORMAL_DISCONNECTION
    client.end(DisconnectReason.CLIENT_INITIATED_DISCONNECT, with_will=with_will)


# Any: each function takes the type it stands beside, which a dict's type can't say.
HANDLERS: Mapping[type, Callable[["Client", Any], None]] = {
    Subscribe: subscribe,
    Unsubscribe: unsubscribe,
    Pingreq: ping,
    Disconnect: disconnect,
}
"""By the packet's type."""
