"""About which TLS connections IoT Core asks an authorizer, by port and ALPN name."""

import pytest

from iot_core.edge.tls import not_for_authorizers

CERTIFICATES = ("x-amzn-mqtt-ca", "x-amzn-http-ca")


@pytest.mark.parametrize(
    ("port", "alpn", "mqtt", "allowed"),
    [
        (443, "mqtt", True, True),
        (443, None, True, False),
        (443, None, False, True),
        (443, "http/1.1", False, True),
        (8883, None, True, True),
        (8883, "mqtt", True, True),
        (8883, None, False, False),
        (8883, "http/1.1", False, False),
        (8443, None, True, True),
        (8443, "mqtt", True, True),
        (8443, None, False, True),
        *((port, alpn, mqtt, False) for port in (443, 8443, 8883) for alpn in CERTIFICATES for mqtt in (True, False)),
    ],
)
def test_a_port_with_a_number_of_iot_core_allows_what_iot_core_does(
    port: int, alpn: str | None, mqtt: bool, allowed: bool
) -> None:
    assert (not_for_authorizers(alpn, port, mqtt=mqtt) is None) == allowed
