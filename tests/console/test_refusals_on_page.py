"""What a client's card says of a refusal, and for how long."""

from playwright.sync_api import expect

from tests.console.conftest import Console


def test_a_client_that_breaks_a_rule_is_told_which(console: Console) -> None:
    console.a.sign_in("ann")
    console.a.publish("rooms/+/x")
    expect(console.a.refusal).to_contain_text("Disconnected: the client broke MQTT's rules or IoT Core's limits")
    expect(console.a.refusal).to_contain_text("wildcards in it [MQTT-3.3.2-2]")


def test_a_refusal_goes_with_the_clients_next_action(console: Console) -> None:
    console.a.sign_in("ann")
    console.a.subscribe("rooms/attic/#")
    expect(console.a.refusal).to_contain_text("Refused subscribe rooms/attic/#")
    console.a.publish("rooms/lobby/say/ann")
    expect(console.a.refusal).to_be_hidden()
