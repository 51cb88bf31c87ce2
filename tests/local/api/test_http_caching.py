"""Caching for HTTP: the function runs once for a connection, until it refreshes the answer or something changes."""

import http.client
import socket
import struct
from collections.abc import Callable, Iterator

import pytest

from tests.local.api.conftest import Answer, answer
from tests.local.api.core import Core
from tests.local.api.server import Service

ANN = {"token": "ann"}


class KeptConnection:
    """One connection for many requests."""

    def __init__(self, service: Service, port: int = 0) -> None:
        """`port`: the client's; 0 for any."""
        self._connection = http.client.HTTPConnection("127.0.0.1", service.port, 10, source_address=("127.0.0.1", port))

    def publish(self, topic: str = "ann/say", token: str = "ann", query: str = "") -> Answer:
        headers = {"token": token, "x-amz-mqtt5-correlation-data": "YQ=="}
        self._connection.request("POST", f"/topics/{topic}{query}", b"x", headers)
        return answer(self._connection.getresponse())

    def reset(self) -> int:
        """Ends the connection so that its port is free at once. Returns the port."""
        port = int(self._connection.sock.getsockname()[1])
        self._connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._connection.close()
        return port

    def close(self) -> None:
        self._connection.close()


@pytest.fixture
def kept(service: Service) -> Iterator[KeptConnection]:
    connection = KeptConnection(service)
    yield connection
    connection.close()


@pytest.fixture
def caching(service: Service) -> None:
    service.do(lambda core: core.put(name="chat", signing_disabled=True, enable_caching_for_http=True))


def invocations(service: Service) -> int:
    return len(service.core.events)


def test_without_caching_the_function_runs_for_each_request(service: Service, kept: KeptConnection) -> None:
    for _ in range(3):
        kept.publish()
    assert invocations(service) == 3


@pytest.mark.usefixtures("caching")
def test_with_caching_it_runs_once_for_a_connection(service: Service, kept: KeptConnection) -> None:
    statuses = [kept.publish(query=f"?qos={qos}").status for qos in (0, 1, 0)]
    assert (statuses, invocations(service)) == ([200, 200, 200], 1)


@pytest.mark.usefixtures("caching")
def test_the_policy_still_decides_on_each_request(kept: KeptConnection) -> None:
    assert [kept.publish(topic).status for topic in ("ann/a", "bob/a", "ann/b")] == [200, 403, 200]


@pytest.mark.usefixtures("caching")
def test_other_credentials_and_other_connections_are_not_cached(service: Service, kept: KeptConnection) -> None:
    assert [kept.publish(token=token).status for token in ("ann", "bob", "ann")] == [200, 401, 200]
    assert invocations(service) == 2
    for query in ("?x-amz-customauthorizer-name=chat", "?x-amz-customauthorizer-name=chat&token=bob"):
        kept.publish(query=query)
    assert invocations(service) == 4
    other = KeptConnection(service)
    other.publish()
    other.close()
    assert invocations(service) == 5


@pytest.mark.usefixtures("caching")
def test_a_later_connection_from_the_same_port_is_not_cached(service: Service, kept: KeptConnection) -> None:
    kept.publish()
    other = KeptConnection(service, kept.reset())
    other.publish()
    other.close()
    assert invocations(service) == 2


@pytest.mark.usefixtures("caching")
def test_of_many_credentials_on_one_connection_the_latest_are_cached(service: Service, kept: KeptConnection) -> None:
    queries = [f"?x-amz-customauthorizer-name=chat&number={number}" for number in range(100)]
    for query in (*queries, queries[-1], queries[0]):
        kept.publish(query=query)
    assert invocations(service) == 101


@pytest.mark.usefixtures("caching")
@pytest.mark.parametrize(("scale", "seconds", "expected"), [(1, 599, 1), (1, 600, 2), (60, 9, 1), (60, 10, 2)])
def test_the_function_runs_again_once_refresh_after_has_passed_whatever_disconnect_after_is(
    service: Service, kept: KeptConnection, scale: int, seconds: int, expected: int
) -> None:
    service.core.time_scale = scale
    kept.publish()
    service.core.clock.now += seconds
    kept.publish()
    assert invocations(service) == expected


def switched_off(core: Core) -> None:
    core.authorizers.update("chat", enable_caching_for_http=False)


def saved_again(core: Core) -> None:
    """As when a template is saved: the authorizer's description stays the same."""
    core.reload()


def reconfigured(core: Core) -> None:
    core.clock.now += 1
    core.put(name="chat", token_key_name="word", signing_disabled=True, enable_caching_for_http=True)


@pytest.mark.usefixtures("caching")
@pytest.mark.parametrize("change", [switched_off, reconfigured, saved_again])
def test_after_a_change_the_function_runs_again(
    service: Service, kept: KeptConnection, change: Callable[[Core], None]
) -> None:
    kept.publish()
    service.do(change)
    kept.publish()
    assert invocations(service) == 2
    service.do(lambda core: core.authorizers.update("chat", status="INACTIVE"))
    assert kept.publish().status == 401


@pytest.mark.usefixtures("caching")
def test_an_answer_from_before_a_reload_is_not_cached(service: Service, kept: KeptConnection) -> None:
    service.core.during_invocation = service.core.reload
    kept.publish()
    service.core.during_invocation = lambda: None
    kept.publish()
    assert invocations(service) == 2
