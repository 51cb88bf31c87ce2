"""The page as a whole, in a real browser: where it loads from, how it looks, and what it does without the server."""

import json
from pathlib import Path

import pytest
from playwright.sync_api import expect

from iot_authorizer_cli.console import app as console_app
from iot_authorizer_cli.local_iot_core import LocalIotCore
from iot_core.broker.limits import IOT_CORE
from tests.cli.console.conftest import Console, Open


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


def test_a_reason_code_of_the_users_handler_can_be_any_word(console: Console, core: LocalIotCore) -> None:
    """Also a name that each object of JavaScript has."""
    told = {"action": "connect", "resource": "__proto__", "allowed": False, "reason": "constructor"}
    core.call(lambda: core.feed.add("decision", None, client_id="__proto__", **told))
    row = console.decisions.filter(has_text="__proto__")
    row.get_by_role("button").click()
    expect(row.locator(".explanation")).to_contain_text("Refused connect __proto__constructor")
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


def test_nothing_is_loaded_from_another_site(open_console: Open, core: LocalIotCore) -> None:
    context = open_console().page.context
    asked: list[str] = []
    page = context.new_page()
    page.on("request", lambda request: asked.append(request.url))
    Console(page, core.console_url).a.connect()
    assert all(url.startswith(core.url) for url in asked)
    assert asked


def test_the_page_works_over_tls(open_console: Open, core: LocalIotCore) -> None:
    console = open_console(core.console_url.replace(core.url, core.tls_url), ignore_https_errors=True)
    console.a.sign_in("ann")
    expect(console.a.state).to_have_text("connected")


def test_without_mqtt_js_it_says_what_to_run(open_console: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console_app, "mqtt_js_path", lambda: None)
    console = open_console()
    expect(console.page.get_by_text("MQTT.js is not installed")).to_contain_text("run npm ci or make")


@pytest.mark.parametrize("width", [360, 768])
def test_it_never_scrolls_sideways(open_console: Open, width: int) -> None:
    is_phone = width < 700
    console = open_console(viewport={"width": width, "height": 740}, has_touch=is_phone, is_mobile=is_phone)
    if is_phone:
        for topic, number in (("Subscribe to", 0), ("Publish to", 1)):
            field = console.a.root.get_by_label(topic, exact=True).bounding_box()
            qos = console.a.root.get_by_label("QoS").nth(number).bounding_box()
            assert field is not None
            assert qos is not None
            assert field["y"] == pytest.approx(qos["y"], abs=2)  # They share a line.
    console.a.sign_in("ann")
    console.a.subscribe("rooms/lobby/#")
    console.a.publish("rooms/lobby/say/ann", json.dumps(["a long payload without any space".replace(" ", "_")] * 9))
    console.a.publish("rooms/" + "a-long-topic-without-any-slash" * 7, "refused")
    expect(console.a.refusal).to_be_visible()
    console.page.locator("#endpoints summary").click()
    console.decisions.first.get_by_role("button").click()
    assert not console.is_wider_than_the_screen()


def test_the_page_says_that_the_server_is_gone_and_continues_when_it_is_back(folder: Path, open_console: Open) -> None:
    config, limits, data = folder / "authorizer.toml", IOT_CORE.without_throttling(), folder / "data"
    with LocalIotCore(config, limits=limits, folder=data) as core:
        console = open_console(core.console_url)
        console.a.sign_in("ann")
        port = core.port
    state = console.page.locator("#feed-state")
    expect(state).to_have_text("the server does not answer")
    expect(console.a.state).to_have_attribute("data-state", "closed")
    console.a.press("Connect")
    expect(console.a.root.get_by_role("alert").filter(has_text="does not answer")).to_be_visible()
    with LocalIotCore(config, limits=limits, folder=data, port=port):
        expect(state).to_have_text("live")
        console.a.connect()
        expect(console.decisions.filter(has_text=console.a.client_id).first).to_be_visible()
