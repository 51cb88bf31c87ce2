"""What a client on the page shows when it is refused or closed: the reason, the entry and the cure."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import expect

from iot_authorizer_cli.local_iot_core import LocalIotCore
from iot_core.broker.limits import IOT_CORE
from tests.cli.console.conftest import CLAIMS, MUTE, Console, Open

NEEDS_ROLE = 'grant "moderators", publish = "rooms/+/mute/+": needs role = moderator or admin, but role is missing'


def test_a_refused_publish_shows_its_reason_even_with_qos_0(console: Console) -> None:
    console.a.sign_in("ann")
    console.a.root.get_by_label("QoS").nth(1).select_option("0")
    console.a.publish(MUTE, "quiet!")
    for text in (f"Denied publish {MUTE}", "not_allowed_by_policy", NEEDS_ROLE):
        expect(console.a.refusal).to_contain_text(text)
    expect(console.a.state).to_have_text("closed: refused")
    expect(console.a.messages.first).to_contain_text("not delivered: why?")


def test_a_refused_connect_shows_cause_and_cure_and_leads_to_the_list_of_reason_codes(console: Console) -> None:
    console.a.root.get_by_label("Token expires after").select_option("already expired")
    console.a.press("Connect")
    expect(console.a.refusal).to_contain_text("Refused connect")
    expect(console.a.refusal).to_contain_text("expired the token has expired (exp)")
    expect(console.a.refusal.locator(".cure")).to_have_text("get a new token")
    row = console.decisions.filter(has_text="expired: the token has expired (exp)")
    row = row.filter(has_text=console.a.client_id)
    row.get_by_role("button").click()
    expect(row.locator(".explanation")).to_contain_text("Refused connect")
    expect(row.locator(".explanation")).to_have_count(1)  # It says nothing of the policy.
    console.a.refusal.get_by_role("link", name="expired").click()
    expect(console.page.get_by_role("dialog").locator(".lit").first).to_have_text("expired")


def test_a_client_id_that_is_not_granted_is_explained_once_by_its_entries(console: Console) -> None:
    console.a.fill("Client ID", "eve/row")
    console.a.press("Connect")
    expect(console.a.refusal).to_contain_text("client_id_not_granted")
    entry = 'granted client IDs: "ann" or "ann/*"'
    expect(console.a.refusal).to_contain_text(entry)
    row = console.decisions.filter(has_text="eve/row")
    row.get_by_role("button").click()
    expect(row.locator(".explanation")).to_contain_text(entry)
    expect(row.locator(".explanation")).to_have_count(1)


def test_a_claim_that_cannot_be_in_a_topic_is_named(console: Console) -> None:
    console.a.fill(CLAIMS, '{"rooms": ["lobby/+"]}')
    console.a.press("Connect")
    named = 'unsafe_value: claims.rooms cannot be a topic level: it is ["lobby/+"]'
    expect(console.a.refusal).to_contain_text(named)
    expect(console.decisions.filter(has_text="unsafe_value").first).to_contain_text(named)


def test_a_refused_subscription_is_explained_until_the_next_action(console: Console) -> None:
    console.a.sign_in("ann")
    console.a.subscribe("rooms/attic/#")
    expect(console.a.refusal).to_contain_text("Denied subscribe rooms/attic/#")
    console.a.press("Why is rooms/attic/# refused?")
    expect(console.a.refusal).to_contain_text('subscribe = "rooms/{claims.rooms}/#": claims.rooms is "lobby"')
    console.a.publish("rooms/lobby/say/ann")
    expect(console.a.refusal).to_be_hidden()


@pytest.mark.parametrize("topic_filter", ["rooms/lobby/1/2/3/4/5/6/7/8", f"rooms/lobby/{'x' * 256}"])
def test_a_filter_that_iot_core_refuses_is_never_said_to_be_allowed(console: Console, topic_filter: str) -> None:
    console.a.sign_in("ann")
    console.a.subscribe(topic_filter)
    for _ in range(2):
        expect(console.a.refusal).to_contain_text("Refused subscribe rooms/lobby/")
        expect(console.a.refusal).to_contain_text("invalid_topic_filter")
        console.a.press(f"Why is {topic_filter} refused?")
    row = console.decisions.filter(has_text="invalid_topic_filter").filter(has_text=console.a.client_id)
    row.get_by_role("button").click()
    expect(row.locator(".explanation")).to_contain_text("Refused subscribe")
    expect(row.locator(".explanation")).to_have_count(1)


def test_a_filter_that_mqtt_js_does_not_send_shows_the_rule(console: Console) -> None:
    console.a.sign_in("ann")
    console.a.subscribe("rooms/lobby/#/x")
    console.a.press("Why is rooms/lobby/#/x refused?")
    expect(console.a.refusal).to_contain_text("Denied subscribe rooms/lobby/#/x# must be the last level")


def test_a_message_that_is_too_large_is_never_said_to_be_allowed(console: Console) -> None:
    console.a.sign_in("ann")
    console.a.publish("rooms/lobby/say/ann", "x" * 140_000)
    for _ in range(2):
        expect(console.a.refusal).to_contain_text("a payload has at most 131072 bytes")
        console.a.press("not delivered: why?")
    expect(console.a.refusal).not_to_contain_text("Allowed")


def test_an_event_that_a_client_publishes_shows_the_rule(console: Console) -> None:
    console.a.sign_in("ann")
    console.a.publish("$aws/events/presence/connected/ann")
    expect(console.a.refusal).to_contain_text("only IoT Core publishes events")


def test_a_message_that_iot_core_drops_shows_its_reason(folder: Path, open_console: Open) -> None:
    limits = replace(IOT_CORE.without_throttling(), retained_messages=0)
    with LocalIotCore(folder / "authorizer.toml", limits=limits) as core:
        console = open_console(core.console_url)
        console.a.sign_in("ann")
        console.a.root.get_by_label("retain").check()
        console.a.publish("rooms/lobby/topic", "no room")
        console.a.press("not delivered: why?")
        expect(console.a.refusal).to_contain_text("too_many_retained")


def test_a_client_shows_nothing_of_another_connection_with_its_client_id(console: Console) -> None:
    for card in (console.a, console.b):
        card.press("ann")
        card.fill("Client ID", "ann/same")
        card.connect()
    console.b.publish(MUTE)
    expect(console.b.refusal).to_contain_text(f"Denied publish {MUTE}")
    expect(console.b.state).to_have_text("closed: refused")
    expect(console.a.state).to_have_text("closed: another client connected with this client ID (0x8E)")
    expect(console.a.refusal).to_be_hidden()


def test_a_client_id_that_is_too_long_gets_an_error_beside_its_field(console: Console) -> None:
    console.a.fill("Client ID", f"ann/{'x' * 300}")
    field = console.a.root.locator("label", has=console.page.get_by_label("Client ID"))
    expect(field.get_by_role("alert")).to_contain_text("a client ID has at most 128 bytes")
    console.a.press("Connect")
    expect(console.a.refusal).to_contain_text("invalid_connect")


def test_a_client_that_breaks_a_rule_shows_which_one(console: Console) -> None:
    console.a.sign_in("ann")
    console.a.publish("rooms/+/x")
    expect(console.a.refusal).to_contain_text("Disconnected: the client broke a rule of MQTT or a limit of IoT Core")
    expect(console.a.refusal).to_contain_text("wildcards in it [MQTT-3.3.2-2]")


def test_a_second_connection_with_its_client_id_closes_a_client_and_says_so(console: Console) -> None:
    console.a.sign_in("ann")
    console.b.press("ann")
    field = console.b.root.get_by_label("Client ID", exact=True)
    expect(field).to_have_value(re.compile("^ann/b-"))
    field.fill(console.a.client_id)
    console.b.connect()
    expect(field).to_have_value(console.a.client_id)
    expect(console.a.state).to_have_text("closed: another client connected with this client ID (0x8E)")


def test_a_client_of_mqtt_3_learns_from_the_feed_why_it_was_closed(console: Console) -> None:
    for card in (console.a, console.b):
        card.press("ann")
        card.fill("Client ID", "ann/three")
        card.root.get_by_label("MQTT").select_option("3.1.1")
        card.connect()
    expect(console.a.state).to_have_text("closed: another client connected with this client ID")
