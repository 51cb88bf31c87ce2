"""GetConnection, ListSubscriptions and DeleteConnection, with boto3."""

import pytest

from iot_core.mqtt import NO_PROPERTIES, Will
from tests.local.api.conftest import Boto, Send, refused
from tests.local.api.core import SOURCE, TARGET, Core
from tests.local.api.server import Service

ANN = "ann/phone 1"
WILL = Will("wills/ann", b"gone", 0, False, NO_PROPERTIES)


def get(data: Boto, client_id: str = ANN, **parameters: object) -> dict[str, object]:
    found = data("get_connection", clientId=client_id, **parameters)
    del found["ResponseMetadata"]
    return found


def disconnect(core: Core, client_id: str = ANN) -> None:
    core.clock.now += 1
    core.broker.disconnect(client_id)


def test_a_connected_client_is_described_and_its_sockets_on_request(data: Boto, service: Service) -> None:
    service.do(lambda core: core.listen(ANN))
    expected = {
        "clientId": ANN,
        "connected": True,
        "cleanSession": True,
        "sessionExpiry": 0,
        "keepAliveDuration": 60,
        "connectedSince": 1_000_000_000,
    }
    assert get(data) == expected
    sockets = {"sourceIp": SOURCE[0], "sourcePort": SOURCE[1], "targetIp": TARGET[0], "targetPort": TARGET[1]}
    assert get(data, includeSocketInformation=True) == expected | sockets


def test_the_session_of_a_disconnected_client_is_described(data: Boto, service: Service) -> None:
    service.do(lambda core: core.listen(ANN, expiry=600))
    service.do(disconnect)
    assert get(data) == {
        "clientId": ANN,
        "connected": False,
        "cleanSession": False,
        "sessionExpiry": 600,
        "disconnectedSince": 1_000_001_000,
        "disconnectReason": "API_INITIATED_DISCONNECT",
    }


def test_subscriptions_are_listed_while_the_client_is_connected_and_afterwards(data: Boto, service: Service) -> None:
    service.do(lambda core: core.listen(ANN, "b/#", "a/+", expiry=600))
    expected = [{"topicFilter": "a/+", "qos": 1}, {"topicFilter": "b/#", "qos": 1}]
    assert data("list_subscriptions", clientId=ANN)["subscriptions"] == expected
    service.do(disconnect)
    assert data("list_subscriptions", clientId=ANN)["subscriptions"] == expected


def test_a_page_has_20_subscriptions_by_default(data: Boto, service: Service) -> None:
    service.do(lambda core: core.listen(ANN, *(f"{number:02}" for number in range(25))))
    first = data("list_subscriptions", clientId=ANN)
    second = data("list_subscriptions", clientId=ANN, nextToken=first["nextToken"])
    assert [len(page["subscriptions"]) for page in (first, second)] == [20, 5]


def test_a_client_whose_id_ends_like_an_operation_is_found(data: Boto, service: Service) -> None:
    service.do(lambda core: core.listen("ann/subscriptions"))
    assert get(data, "ann/subscriptions")["connected"] is True


@pytest.mark.parametrize("cleaned", [False, True])
def test_a_connection_is_ended_and_its_session_stays_unless_clean_session_is_set(
    data: Boto, service: Service, cleaned: bool
) -> None:
    listener = service.do(lambda core: core.listen(ANN, expiry=600))
    data("delete_connection", clientId=ANN, cleanSession=cleaned)
    assert listener.closed
    assert (service.do(lambda core: core.broker.session(ANN)) is None) is cleaned


@pytest.mark.parametrize("prevented", [False, True])
def test_the_will_is_published_unless_it_is_prevented(data: Boto, service: Service, prevented: bool) -> None:
    listener = service.do(lambda core: core.listen("listener", "wills/#"))
    service.do(lambda core: core.listen(ANN, will=WILL))
    data("delete_connection", clientId=ANN, preventWillMessage=prevented)
    found = [packet for packet in list(listener.packets.queue) if getattr(packet, "topic", None) == "wills/ann"]
    assert len(found) == (0 if prevented else 1)


@pytest.mark.parametrize("operation", ["get_connection", "list_subscriptions", "delete_connection"])
def test_an_unknown_client_is_not_found(data: Boto, operation: str) -> None:
    with refused("ResourceNotFoundException", 404):
        data(operation, clientId="nobody")


@pytest.mark.parametrize("client_id", ["$ann", "x" * 129])
def test_a_wrong_client_id_is_an_invalid_request(send: Send, client_id: str) -> None:
    answer = send("GET", f"/connections/{client_id}")
    assert answer.error == (400, "InvalidRequestException")
    assert "'clientId'" in answer.json["message"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/connections/ann?includeSocketInformation=maybe"),
        ("DELETE", "/connections/ann?cleanSession=2"),
        ("DELETE", "/connections/ann?preventWillMessage="),
        ("GET", "/connections/ann/subscriptions?maxResults=0"),
        ("GET", "/connections/ann/subscriptions?nextToken=%21"),
    ],
)
def test_a_wrong_parameter_is_an_invalid_request(send: Send, service: Service, method: str, path: str) -> None:
    service.do(lambda core: core.listen("ann"))
    assert send(method, path).error == (400, "InvalidRequestException")
