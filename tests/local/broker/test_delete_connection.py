"""Ending a client's connection from outside (developer guide, "DeleteConnection API")."""

import pytest

from iot_core.mqtt import ReasonCode
from tests.local.broker.bench import Bench, only_mqtt_5, will


def test_the_connection_is_ended(broker: Bench) -> None:
    alice = broker.connect()
    assert broker.broker.disconnect("alice")
    assert alice.ended_with(ReasonCode.ADMINISTRATIVE_ACTION)


def test_only_a_client_with_a_connection_or_a_session_is_found(broker: Bench) -> None:
    assert not broker.broker.disconnect("unknown")
    broker.persistent().lose()
    assert broker.broker.disconnect("alice")


@pytest.mark.parametrize("connected", [False, True])
@pytest.mark.parametrize("clean_session", [False, True])
def test_the_session_goes_where_it_is_to_be_cleaned(broker: Bench, connected: bool, clean_session: bool) -> None:
    alice = broker.persistent()
    if not connected:
        alice.lose()
    broker.broker.disconnect("alice", clean_session=clean_session)
    assert (broker.broker.session("alice") is None) is clean_session


@pytest.mark.parametrize("clean_session", [False, True])
@pytest.mark.parametrize("prevent_will", [False, True])
def test_the_will_is_published_unless_it_is_prevented(broker: Bench, clean_session: bool, prevent_will: bool) -> None:
    bob = broker.subscriber("wills/alice", client_id="bob")
    broker.persistent(will=will())
    broker.broker.disconnect("alice", clean_session=clean_session, prevent_will=prevent_will)
    assert bob.payloads() == ([] if prevent_will else [b"gone"])


@only_mqtt_5
@pytest.mark.parametrize("prevent_will", [False, True])
def test_a_delayed_will_is_published_at_once_when_the_session_is_cleaned(broker: Bench, prevent_will: bool) -> None:
    bob = broker.subscriber("wills/alice", client_id="bob")
    broker.persistent(will=will(will_delay_interval=10)).lose()
    broker.broker.disconnect("alice", clean_session=True, prevent_will=prevent_will)
    assert bob.payloads() == ([] if prevent_will else [b"gone"])
