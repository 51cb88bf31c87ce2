"""The panel of one client on the page: signing in, messages, refusals, and connecting again."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Playwright, expect

from iot_authorizer_cli.commands.keys.changing import make_key
from iot_authorizer_cli.local_iot_core import LocalIotCore
from iot_core.broker.limits import IOT_CORE
from iot_identities.passwords import hash_password
from tests.cli.console.conftest import Console, Open, launch

MUTE = "rooms/lobby/mute/bob"
NEEDS_ROLE = 'grant "moderators", publish = "rooms/+/mute/+": needs role = moderator or admin, but role is missing'
CLAIMS = "Claims (JSON object)"


def authorizer(folder: Path, name: str, text: str) -> Iterator[LocalIotCore]:
    """IoT Core with another configuration."""
    path = folder / name
    path.write_text(text)
    with LocalIotCore(path, limits=IOT_CORE.without_throttling()) as core:
        yield core


@pytest.fixture
def fleet(folder: Path) -> Iterator[LocalIotCore]:
    """IoT Core for devices and their operators."""
    yield from authorizer(folder, "fleet.toml", (folder / "authorizer.toml").read_text().replace("chat", "fleet"))


@pytest.fixture
def with_passwords(folder: Path) -> Iterator[LocalIotCore]:
    """IoT Core for devices that have passwords and no tokens."""
    users = f'[users.pump-7]\nhash = "{hash_password("correct horse")}"\nclaims = {{ role = "device" }}\n'
    (folder / "passwords.toml").write_text(users)
    text = 'name = "fleet"\npolicy = "policies/fleet.toml"\n[passwords]\nfile = "passwords.toml"\n'
    yield from authorizer(folder, "passwords-only.toml", text)


def choose(console: Console, means: str) -> None:
    console.a.root.get_by_label("Sign in with").select_option(means)


def switch_to_bob(console: Console) -> None:
    console.a.press("Disconnect")
    console.a.root.get_by_text("Sign in", exact=True).click()
    console.a.sign_in("bob, moderator")


def test_a_message_arrives_in_another_browser_and_at_the_other_client(
    playwright: Playwright, console: Console, core_url: str
) -> None:
    other_browser = launch(playwright)
    other = Console(other_browser.new_page(), core_url)
    console.a.sign_in("ann")
    console.b.sign_in("bob, moderator")
    for card in (other.a, console.a):
        if card is other.a:
            card.sign_in("ann")
        card.subscribe("rooms/lobby/#")
    console.b.publish("rooms/lobby/say/bob", "hello from bob")
    for card in (other.a, console.a):
        expect(card.messages.filter(has_text="hello from bob")).to_contain_text("rooms/lobby/say/bob")
    other_browser.close()


def test_the_fields_are_filled_in_for_a_first_message(console: Console) -> None:
    console.a.connect()
    console.a.press("Subscribe")
    expect(console.a.subscriptions).to_have_count(1)
    console.a.press("Publish")
    expect(console.a.messages.filter(has_text="↓")).to_contain_text("rooms/lobby/say/ann")


def test_the_first_steps_name_the_principals_own_topic(console: Console) -> None:
    steps = console.b.root.get_by_role("list", name="First steps").get_by_role("listitem")
    expect(steps.nth(2)).to_have_text("Publish to rooms/lobby/say/bob.")


def test_a_device_and_its_operator_receive_each_others_suggested_messages(
    fleet: LocalIotCore, open_console: Open
) -> None:
    console = open_console(fleet.console_url)
    for card in (console.a, console.b):
        card.connect()
        card.press("Subscribe")
        expect(card.subscriptions).to_have_count(1)
    console.a.press("Publish")
    expect(console.b.messages.filter(has_text="↓")).to_contain_text("devices/pump-7/telemetry/")
    console.b.press("Publish")
    expect(console.a.messages.filter(has_text="↓")).to_contain_text("devices/pump-7/commands/ann")


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


def test_a_retained_message_is_marked_as_such(console: Console) -> None:
    console.a.sign_in("ann")
    console.a.root.get_by_label("retain").check()
    console.a.publish("rooms/lobby/topic", "a retained topic")
    expect(console.a.messages.first).to_contain_text("acknowledged")
    console.b.sign_in("bob, moderator")
    console.b.subscribe("rooms/lobby/topic")
    expect(console.b.messages.first).to_contain_text("QoS 1retain")


def test_nothing_arrives_after_unsubscribing_nor_after_connecting_again(console: Console) -> None:
    console.a.sign_in("ann")
    console.a.subscribe("rooms/lobby/#")
    console.a.subscribe("rooms/lobby/say/bob")
    console.a.press("Unsubscribe from rooms/lobby/#")
    expect(console.a.subscriptions).to_have_count(1)
    console.a.publish("rooms/lobby/say/ann", "into the void")
    expect(console.a.messages.first).to_contain_text("acknowledged")
    expect(console.a.messages).to_have_count(1)
    console.a.press("Disconnect")
    console.a.connect()
    expect(console.a.subscriptions).to_contain_text("rooms/lobby/say/bob")
    expect(console.a.subscriptions).to_have_count(1)


def test_the_same_client_is_subscribed_again(console: Console) -> None:
    console.a.sign_in("ann")
    console.a.subscribe("rooms/lobby/#")
    console.a.publish(MUTE)
    expect(console.a.state).to_have_text("closed: refused")
    expect(console.a.subscriptions).to_have_count(0)
    console.a.connect()
    expect(console.a.subscriptions).to_contain_text("rooms/lobby/#")
    console.a.publish("rooms/lobby/say/ann", "still here")
    expect(console.a.messages.filter(has_text="↓")).to_contain_text("still here")


def test_another_principal_starts_without_subscriptions_and_messages(console: Console) -> None:
    console.a.sign_in("ann")
    console.a.subscribe("rooms/lobby/#")
    console.a.publish("users/ann/outbox")
    expect(console.a.messages).to_have_count(1)
    switch_to_bob(console)
    expect(console.a.subscriptions).to_have_count(0)
    expect(console.a.messages).to_have_count(0)


def test_a_user_name_and_a_password_connect_and_a_wrong_password_shows_its_reason(
    with_passwords: LocalIotCore, open_console: Open
) -> None:
    console = open_console(with_passwords.console_url)
    choose(console, "user name and password")
    console.a.fill("Password", "wrong horse")
    console.a.press("Connect")
    expect(console.a.refusal).to_contain_text("wrong_password")
    console.a.fill("Password", "correct horse")
    console.a.connect()
    row = console.decisions.filter(has_text="allowed").filter(has_text="pump-7")
    row.get_by_role("button").click()
    expect(row.get_by_role("definition").filter(has_text="password")).to_be_visible()


def test_a_pasted_token_connects_and_a_missing_one_is_asked_for(core: LocalIotCore, console: Console) -> None:
    choose(console, "a pasted token")
    console.a.press("Connect")
    expect(console.a.root.get_by_role("alert").filter(has_text="enter a token")).to_be_visible()
    console.a.root.locator("[data-part=secret]").fill(core.token("ann", {"rooms": ["attic"]}, 60))
    console.a.connect()
    console.a.subscribe("rooms/attic/#")
    expect(console.a.subscriptions).to_contain_text("QoS 1")


def test_claims_that_are_not_json_get_an_error_beside_their_field(console: Console) -> None:
    console.a.fill(CLAIMS, '{"rooms": [lobby]}')
    console.a.press("Connect")
    field = console.a.root.locator("label", has=console.page.get_by_label(CLAIMS))
    expect(field.get_by_role("alert")).to_contain_text("not valid JSON")


def test_typed_values_survive_a_reload_and_secrets_do_not(console: Console) -> None:
    console.a.fill("Principal", "zoe")
    console.a.fill(CLAIMS, '{"rooms": ["attic"]}')
    console.a.connect()
    console.page.get_by_label("Which decisions").select_option("not allowed")
    console.a.press("Disconnect")
    console.a.root.get_by_text("Sign in", exact=True).click()
    choose(console, "user name and password")
    console.a.fill("Password", "correct horse")
    console.page.reload()
    expect(console.a.root.get_by_label("Principal", exact=True)).to_have_value("zoe")
    expect(console.a.root.get_by_label(CLAIMS)).to_have_value('{"rooms": ["attic"]}')
    expect(console.a.root.get_by_label("Password", exact=True)).to_have_value("")
    expect(console.page.get_by_label("Which decisions")).to_have_value("refused")
    kept = console.page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}])")
    assert ("eyJ" in kept, "horse" in kept) == (False, False)


def test_two_tabs_do_not_take_over_each_others_connection(open_console: Open) -> None:
    first = open_console()
    second = Console(first.page.context.new_page(), first.page.url)
    first.a.sign_in("ann")
    second.a.sign_in("ann")
    expect(first.a.state).to_have_text("connected")


@pytest.fixture
def unheard(folder: Path) -> Iterator[LocalIotCore]:
    """IoT Core with a topic that a client may publish to and not receive."""
    (folder / "unheard.toml").write_text(
        '[[grant]]\nconnect = ["{principal}"]\npublish = ["open/x"]\nsubscribe = ["open/+"]\n'
        '[[deny]]\nname = "quiet"\nsubscribe = ["open/x"]\n'
    )
    text = 'name = "unheard"\npolicy = "unheard.toml"\n[anonymous]\nprincipal = "guest"\n'
    yield from authorizer(folder, "unheard-authorizer.toml", text)


def test_a_message_that_only_its_sender_may_not_receive_is_delivered(unheard: LocalIotCore, open_console: Open) -> None:
    console = open_console(unheard.console_url)
    choose(console, "minted")
    console.a.fill("Principal", "ann")
    console.a.connect()
    console.a.subscribe("open/+")
    console.a.publish("open/x")
    expect(console.a.refusal).to_contain_text("Denied receive open/x")
    expect(console.a.messages.first).to_contain_text("acknowledged")
    expect(console.a.messages.first).not_to_contain_text("not delivered")


def test_a_client_id_follows_its_principal(console: Console) -> None:
    console.a.fill("Client ID", "ann/mine")
    console.a.fill("Principal", "bea")
    expect(console.a.root.get_by_label("Client ID")).to_have_value(re.compile("^bea"))


def test_a_client_id_follows_a_template_that_was_saved_during_a_connection(folder: Path, open_console: Open) -> None:
    for file, text in (
        ("moved.toml", '[[grant]]\nconnect = ["{principal}/*"]\npublish = ["x"]\n'),
        ("moved-authorizer.toml", 'name = "moved"\npolicy = "moved.toml"\n[anonymous]\nprincipal = "guest"\n'),
    ):
        (folder / file).write_text(text)
    with LocalIotCore(folder / "moved-authorizer.toml", limits=IOT_CORE.without_throttling()) as core:
        console = open_console(core.console_url)
        console.a.fill("Principal", "ann")
        console.a.connect()
        (folder / "moved.toml").write_text('[[grant]]\nconnect = ["{principal}"]\npublish = ["x"]\n')
        expect(console.a.state).to_have_attribute("data-state", "closed", timeout=20_000)
        expect(console.a.root.get_by_label("Client ID")).to_have_value("ann")


def test_the_policy_of_a_user_with_a_password_has_the_stored_claims(
    with_passwords: LocalIotCore, open_console: Open
) -> None:
    console = open_console(with_passwords.console_url)
    choose(console, "password")
    console.a.fill("Principal", "pump-7")
    console.a.fill(CLAIMS, "{}")
    expect(console.page.locator("#statements")).to_contain_text("topic/devices/pump-7/telemetry/")
    expect(console.a.root.get_by_text('Stored claims: {"role":"device"}')).to_be_visible()


def test_with_signing_a_development_token_is_signed_with_the_key_on_this_machine(
    folder: Path, open_console: Open
) -> None:
    path = folder / "signing.toml"
    path.write_text((folder / "authorizer.toml").read_text())
    make_key(path, "page", 2048)
    with LocalIotCore(path, limits=IOT_CORE.without_throttling()) as core:
        console = open_console(core.console_url)
        expect(console.page.locator("#notice")).to_contain_text("Development tokens are signed with the key page.")
        console.a.sign_in("ann")
