"""What a user does on the page, in a real browser, with real MQTT clients in it."""

import json
import re

import pytest
from playwright.sync_api import Playwright, expect

from iot_authorizer_cli.console import page as page_files
from iot_authorizer_cli.local_iot_core import LocalIotCore
from tests.cli.console.conftest import Console, Open, launch

MUTE = "rooms/lobby/mute/bob"
NEEDS_ROLE = 'grant "moderators", publish = "rooms/+/mute/+" would allow it, but needs role = moderator or admin'


def test_a_message_arrives_in_another_browser(playwright: Playwright, console: Console, core_url: str) -> None:
    other_browser = launch(playwright)
    other = Console(other_browser.new_page(), core_url)
    other.a.sign_in("ann")
    other.a.subscribe("rooms/lobby/#")
    console.a.sign_in("bob, moderator")
    console.a.publish("rooms/lobby/say/bob", "hello from bob")
    expect(other.a.messages.filter(has_text="hello from bob")).to_contain_text("rooms/lobby/say/bob")
    other_browser.close()


def test_two_clients_of_one_page_talk_to_each_other(console: Console) -> None:
    console.a.sign_in("ann")
    console.b.sign_in("bob, moderator")
    console.a.subscribe("rooms/lobby/#")
    console.b.publish("rooms/lobby/say/bob", "good morning")
    expect(console.a.messages.filter(has_text="good morning")).to_have_count(1)


def test_it_offers_all_that_a_first_message_takes(console: Console) -> None:
    console.a.connect()
    console.a.press("Subscribe")
    expect(console.a.subscriptions).to_have_count(1)
    console.a.press("Publish")
    expect(console.a.messages.filter(has_text="↓")).to_contain_text("rooms/lobby/say/ann")


def test_a_forbidden_publish_shows_its_reason_at_the_client(console: Console) -> None:
    console.a.sign_in("ann")
    console.a.publish(MUTE, "quiet!")
    expect(console.a.refusal).to_contain_text(f"Refused publish {MUTE}")
    expect(console.a.refusal).to_contain_text("not_allowed_by_policy")
    expect(console.a.refusal).to_contain_text(NEEDS_ROLE)
    expect(console.a.state).to_have_text("closed: refused")


def test_a_forbidden_publish_is_marked_as_not_delivered_even_with_qos_0(console: Console) -> None:
    console.a.sign_in("ann")
    console.a.root.get_by_label("QoS").nth(1).select_option("0")
    console.a.publish(MUTE, "quiet!")
    expect(console.a.messages.first).to_contain_text("not delivered: why?")


def test_an_expired_token_shows_its_reason_at_the_client(console: Console) -> None:
    console.a.root.get_by_label("Token lives").select_option("expired")
    console.a.press("Connect")
    expect(console.a.refusal).to_contain_text("Refused connect")
    expect(console.a.refusal).to_contain_text("expired exp is past")


def test_a_reason_code_leads_to_its_place_among_all_of_them(console: Console) -> None:
    console.a.root.get_by_label("Token lives").select_option("expired")
    console.a.press("Connect")
    console.a.refusal.get_by_role("link", name="expired").click()
    expect(console.page.get_by_role("dialog").locator(".lit").first).to_have_text("expired")


def test_a_client_id_that_is_not_granted_shows_its_reason(console: Console) -> None:
    console.a.fill("Client ID", "bob/stolen")
    console.a.press("Connect")
    expect(console.a.refusal).to_contain_text("client_id_not_granted")


def test_a_refused_subscription_can_be_asked_why(console: Console) -> None:
    console.a.sign_in("ann")
    console.a.subscribe("rooms/attic/#")
    console.a.press("Why is rooms/attic/# refused?")
    expect(console.a.refusal).to_contain_text('subscribe = "rooms/{claims.rooms}/#" is for another claims.rooms')


def test_a_client_that_another_throws_off_is_told_so(console: Console) -> None:
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


def test_after_unsubscribing_nothing_arrives(console: Console) -> None:
    console.a.sign_in("ann")
    console.a.subscribe("rooms/lobby/#")
    console.a.press("Unsubscribe from rooms/lobby/#")
    expect(console.a.subscriptions).to_have_count(0)
    console.a.publish("rooms/lobby/say/ann", "into the void")
    expect(console.a.messages.first).to_contain_text("acknowledged")
    expect(console.a.messages).to_have_count(1)


def test_claims_that_are_no_json_are_complained_about_beside_their_field(console: Console) -> None:
    console.a.fill("Claims, a JSON object", '{"rooms": [lobby]}')
    console.a.press("Connect")
    field = console.a.root.locator("label", has=console.page.get_by_label("Claims, a JSON object"))
    expect(field.get_by_role("alert")).to_contain_text("no JSON")


def test_what_was_typed_survives_a_reload_and_a_token_does_not(console: Console) -> None:
    console.a.fill("Principal", "zoe")
    console.a.fill("Claims, a JSON object", '{"rooms": ["attic"]}')
    console.a.connect()
    console.page.get_by_label("Which decisions").select_option("refused only")
    console.page.reload()
    expect(console.a.root.get_by_label("Principal", exact=True)).to_have_value("zoe")
    expect(console.a.root.get_by_label("Claims, a JSON object")).to_have_value('{"rooms": ["attic"]}')
    expect(console.page.get_by_label("Which decisions")).to_have_value("refused")
    kept = console.page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}])")
    assert "eyJ" not in kept


def test_two_tabs_do_not_throw_each_other_off(open_console: Open) -> None:
    first = open_console()
    second = Console(first.page.context.new_page(), first.page.url)
    first.a.sign_in("ann")
    second.a.sign_in("ann")
    expect(first.a.state).to_have_text("connected")


def test_markup_in_what_others_send_stays_text(console: Console) -> None:
    markup = "<img src=x onerror=alert(1)>"
    console.page.on("dialog", lambda dialog: pytest.fail("a script ran"))
    console.a.sign_in("ann")
    console.a.subscribe("rooms/lobby/#")
    console.a.publish("rooms/lobby/say/ann", markup)
    expect(console.a.messages.filter(has_text="↓")).to_contain_text(markup)
    console.a.publish(f"rooms/{markup.replace('/', '')}", "refused")
    expect(console.a.refusal).to_contain_text(markup)
    assert console.page.locator("img").count() == 0
    assert console.complaints == []


def test_the_keyboard_is_enough(console: Console) -> None:
    page = console.page
    console.a.root.get_by_label("Principal", exact=True).focus()
    page.keyboard.press("Enter")
    expect(console.a.root.get_by_role("button", name="Disconnect")).to_be_focused()
    console.a.root.get_by_label("Subscribe to", exact=True).focus()
    page.keyboard.press("Enter")
    expect(console.a.subscriptions).to_have_count(1)
    console.a.root.get_by_label("Payload", exact=True).focus()
    page.keyboard.press("Enter")
    expect(console.a.messages.filter(has_text="↓")).to_have_count(1)


def test_nothing_comes_from_elsewhere(open_console: Open, core_url: str) -> None:
    context = open_console().page.context
    asked: list[str] = []
    page = context.new_page()
    page.on("request", lambda request: asked.append(request.url))
    Console(page, core_url).a.connect()
    assert all(url.startswith(core_url) for url in asked)
    assert asked


def test_the_page_works_over_tls(open_console: Open, core: LocalIotCore) -> None:
    console = open_console(core.tls_url, ignore_https_errors=True)
    console.a.sign_in("ann")
    expect(console.a.state).to_have_text("connected")


def test_without_mqtt_js_it_says_what_to_run(open_console: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_files, "mqtt_js_path", lambda: None)
    console = open_console()
    expect(console.page.get_by_text("MQTT.js is not installed")).to_contain_text("run npm ci, or make")


@pytest.mark.parametrize("width", [360, 390, 768, 1024])
def test_it_never_scrolls_sideways(open_console: Open, width: int) -> None:
    console = open_console(viewport={"width": width, "height": 740}, has_touch=width < 700, is_mobile=width < 700)
    console.a.sign_in("ann")
    console.a.subscribe("rooms/lobby/#")
    console.a.publish("rooms/lobby/say/ann", json.dumps(["a long payload without any space".replace(" ", "_")] * 9))
    console.a.publish("rooms/" + "a-long-topic-without-any-slash" * 7, "refused")
    expect(console.a.refusal).to_be_visible()
    console.page.locator("#endpoints summary").click()
    console.decisions.first.get_by_role("button").click()
    assert not console.is_wider_than_the_screen()


def test_on_a_phone_the_qos_stands_beside_the_topic(open_console: Open) -> None:
    console = open_console(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    for topic, number in (("Subscribe to", 0), ("Publish to", 1)):
        field = console.a.root.get_by_label(topic, exact=True).bounding_box()
        qos = console.a.root.get_by_label("QoS").nth(number).bounding_box()
        assert field
        assert qos
        assert field["y"] == pytest.approx(qos["y"], abs=2)
