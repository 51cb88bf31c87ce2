"""The page of `iot-authorizer connect --for browser`, in Chromium, served by IoT Core on this machine."""

import base64
import json
import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from iot_authorizer_cli.commands.keys.changing import make_key
from iot_authorizer_cli.console.web_folder import mqtt_js_path
from iot_authorizer_cli.snippets.browser import MQTT_JS
from iot_identities.passwords import hash_password
from tests.cli.conftest import fill
from tests.cli.console.test_accessibility import findings
from tests.clients.tabs import LONGEST_WAIT, Chat, Start, Tab
from tests.clients.test_snippets import ODD
from tests.test_documentation import DOCS, blocks

pytestmark = pytest.mark.slow

KEEP_ALIVE = 30 * 1.5
"""Seconds after which IoT Core ends a silent connection of the page."""


MISSING = "Connected again. Messages that others sent meanwhile may be missing."


@pytest.fixture
def chat(start: Start, tmp_path: Path) -> Chat:
    """A chat, with its page written."""
    chat = start(fill(tmp_path) / "authorizer.toml")
    chat.write()
    return chat


def test_two_users_see_each_others_messages(chat: Chat) -> None:
    ann, bob = chat.tab(), chat.tab("bob")
    ann.shows("Connected as ann")
    bob.shows("Connected as bob")
    ann.send("Is <b>anybody</b> there?")
    expect(bob.messages).to_have_text(["rooms/lobby/say/annIs <b>anybody</b> there?"])
    expect(ann.messages).to_have_count(1)
    expect(ann.text).to_have_value("")


def test_each_tab_has_a_client_id_of_its_own(chat: Chat) -> None:
    tabs = [chat.tab(), chat.tab()]
    for tab in tabs:
        tab.shows("Connected as ann")
    ids = {each["client_id"] for each in chat.decisions("connect")}
    assert len(ids) == 2
    assert all(re.fullmatch(r"ann/[0-9]{20,40}", str(each)) for each in ids)


def test_after_a_network_failure_the_page_connects_with_a_new_token(chat: Chat) -> None:
    tab = chat.tab()
    tab.shows("Connected as ann")  # So that the connection of the first load is not counted.
    tokens: list[str] = []
    tab.page.on("websocket", lambda socket: tokens.append(socket.url.partition("token=")[2]))
    tab.page.reload()
    tab.shows("Connected as ann")
    chat.network.cut()
    tab.shows("The connection was lost. Connecting again in")
    chat.network.restore()
    tab.end_wait()
    tab.shows("Connected as ann")
    tab.send("back")
    expect(tab.messages).to_have_text([MISSING, "rooms/lobby/say/annback"])
    assert len(set(tokens)) == len(tokens) == 2


WATCH = """() => {
  window.waits = [];
  const status = document.getElementById("status");
  const seconds = () => window.waits.push(Number(/again in (\\d+) s/.exec(status.textContent)?.[1]));
  new MutationObserver(seconds).observe(status, { childList: true });
}"""


def test_without_a_network_the_page_waits_longer_each_time(chat: Chat) -> None:
    tab = chat.tab()
    tab.shows("Connected as ann")
    tab.page.evaluate(WATCH)
    chat.network.cut()
    for number in range(1, 5):
        tab.page.wait_for_function(f"window.waits.filter((wait) => wait).length === {number}")
        tab.page.clock.fast_forward(LONGEST_WAIT)
    waits = tab.page.evaluate("window.waits.filter((wait) => wait)")
    assert [2**n <= wait <= 2 * 2**n for n, wait in enumerate(waits[:4])] == [True] * 4


def test_when_the_network_is_back_the_page_does_not_wait(chat: Chat) -> None:
    tab = chat.tab()
    tab.shows("Connected as ann")
    chat.network.cut()
    for _ in range(4):
        with tab.page.expect_request("**/console/token"):
            tab.end_wait()
    tab.shows(r"Connecting again in (1[6-9]|2\d|3[0-2]) s")
    chat.network.restore()
    tab.page.evaluate("window.dispatchEvent(new Event('online'))")
    tab.shows("Connected as ann")


def test_a_message_that_the_network_lost_is_reported_and_not_sent_later(chat: Chat) -> None:
    tab = chat.tab()
    tab.shows("Connected as ann")
    chat.network.silence()
    tab.send("lost")
    chat.network.cut()
    expect(tab.note).to_have_text("Maybe not delivered. The connection was lost.")
    tab.text.press("Enter")  # Without a connection, nothing is sent, and nothing is kept to be sent later.
    expect(tab.text).to_have_value("lost")
    chat.network.restore()
    tab.end_wait()
    tab.shows("Connected as ann")
    tab.send("again")
    expect(tab.messages).to_have_text([MISSING, "rooms/lobby/say/annagain"])


def test_when_the_token_ends_the_page_connects_with_a_new_one(start: Start, tmp_path: Path) -> None:
    chat = start(fill(tmp_path) / "authorizer.toml", time_scale=360)
    chat.write()
    tab = chat.tab()
    tab.shows("Connected as ann")
    chat.let_pass(3600 / 360)
    tab.shows("IoT Core ended the connection: Maximum connect time. Connecting again in")
    tab.end_wait()
    tab.shows("Connected as ann")
    assert len(chat.decisions("connect")) == 2


def test_a_page_that_slept_connects_again(chat: Chat) -> None:
    tab = chat.tab()
    tab.shows("Connected as ann")
    devtools = tab.page.context.new_cdp_session(tab.page)
    devtools.send("Page.setWebLifecycleState", {"state": "frozen"})
    chat.let_pass(KEEP_ALIVE + 1)
    devtools.send("Page.setWebLifecycleState", {"state": "active"})
    tab.shows("Connecting again in")
    tab.end_wait()
    tab.shows("Connected as ann")


def test_a_page_notices_that_its_connection_ended_while_it_slept(chat: Chat) -> None:
    tab = chat.tab()
    tab.shows("Connected as ann")
    chat.network.silence()
    chat.let_pass(KEEP_ALIVE + 1)
    tab.page.clock.set_system_time(tab.page.evaluate("Date.now()") + 3_600_000)
    tab.shows("Connected as ann")
    tab.page.evaluate("document.dispatchEvent(new Event('resume'))")
    tab.shows("The connection was lost. Connecting again in")
    chat.network.cut()
    chat.network.restore()
    tab.end_wait()
    tab.shows("Connected as ann")


def expired(route: Route) -> None:
    """Makes a token that expired an hour ago."""
    wanted = json.loads(route.request.post_data or "")
    route.continue_(post_data={**wanted, "expires_in": -3600})


def test_a_refused_page_stops_and_says_why_until_the_user_connects_again(chat: Chat) -> None:
    tab = chat.tab(token=expired)
    tab.shows("Connection refused: Not authorized.$")
    tab.page.clock.fast_forward(LONGEST_WAIT)
    assert len(chat.decisions("connect", allowed=False)) == 1
    tab.page.unroute("**/console/token")
    tab.again.click()
    tab.shows("Connected as ann")
    expect(tab.again).to_be_hidden()


def test_a_page_that_was_accepted_before_is_refused_five_times_before_it_stops(chat: Chat) -> None:
    tab = chat.tab()
    tab.shows("Connected as ann")
    tab.page.route("**/console/token", expired)
    chat.network.cut()
    chat.network.restore()
    for _ in range(5):
        with tab.page.expect_request("**/console/token"):
            tab.end_wait()
    tab.shows("Connection refused: Not authorized.$")
    assert len(chat.decisions("connect", allowed=False)) == 5


def test_a_page_without_a_signed_in_user_stops(chat: Chat) -> None:
    tab = chat.tab(token=lambda route: route.fulfill(json={"token": None}))
    tab.shows("You are signed out.")
    expect(tab.again).to_be_visible()


def jwt(claims: Mapping[str, object]) -> str:
    """A token that is not signed."""
    return f"e30.{base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip('=')}."


NOT_JWT = "What fetchToken gives is not a JWT"


def test_a_page_that_gets_no_token_says_what_it_got_and_tries_again_later(chat: Chat) -> None:
    answers = {
        "the issuer is down": {"status": 500, "json": {"message": "the issuer is down"}},
        "HTTP 502": {"status": 502, "body": "<!doctype html><p>Bad gateway", "content_type": "text/html"},
        f"{NOT_JWT}": {"json": {"token": "opaque"}},
        f"{NOT_JWT} ?": {"json": {"token": "encrypted.as.a.jwe.is"}},
        "The token has no claim sub": {"json": {"token": jwt({"oid": "ann"})}},
    }
    left = list(answers.values())
    tab = chat.tab(token=lambda route: route.fulfill(**left.pop(0)) if left else route.continue_())  # type: ignore[arg-type]
    for shown in answers:
        tab.shows(rf"^{shown}\. Connecting again in")
        tab.end_wait()
    tab.shows("Connected as ann")
    assert len(chat.decisions("connect", allowed=False)) == 0


def test_a_refused_message_is_sent_once(chat: Chat) -> None:
    chat.write("--topic", "rooms/attic/say/ann")
    tab = chat.tab()
    tab.shows("Connected as ann")
    tab.send("nobody may read this")
    expect(tab.note).to_have_text("Maybe not delivered. IoT Core ended the connection: Not authorized.")
    tab.end_wait()
    tab.shows("Connected as ann")
    assert len(chat.decisions("publish", allowed=False)) == 1
    assert len(chat.decisions("connect")) == 2


def test_a_subscription_that_is_refused_is_reported(chat: Chat) -> None:
    chat.write("--subscribe", "rooms/attic/#")
    tab = chat.tab()
    tab.shows("Not subscribed: .*Not authorized")


def test_of_two_tabs_with_one_client_id_the_older_one_stops(start: Start, tmp_path: Path) -> None:
    config = fill(tmp_path) / "authorizer.toml"
    (tmp_path / "policies/chat.toml").write_text(
        '[[grant]]\nconnect = ["{principal}"]\npublish = ["{principal}"]\nsubscribe = ["{principal}"]\n'
    )
    chat = start(config)
    chat.write()
    older = chat.tab()
    older.shows("Connected as")
    newer = chat.tab()
    newer.shows("Connected as")
    older.shows("IoT Core ended the connection: Session taken over.$")
    older.page.clock.fast_forward(LONGEST_WAIT)
    assert len(chat.decisions("connect")) == 2


def test_with_signing_the_page_sends_the_signature_of_its_token(start: Start, tmp_path: Path) -> None:
    config = fill(tmp_path) / "authorizer.toml"
    make_key(config, "one", 2048)
    chat = start(config)
    chat.write()
    chat.tab().shows("Connected as ann")


def test_a_user_signs_in_with_a_password_which_the_page_keeps_for_later_connections(
    start: Start, tmp_path: Path
) -> None:
    config = fill(tmp_path) / "authorizer.toml"
    config.write_text('name = "chat"\npolicy = "policies/chat.toml"\npasswords = { file = "passwords.toml" }\n')
    (tmp_path / "passwords.toml").write_text(
        f'[users.ann]\nhash = "{hash_password("secret")}"\nclaims = {{ rooms = ["lobby"] }}\n'
    )
    chat = start(config)
    chat.write("--user", "ann")
    tab = chat.tab()
    tab.shows("Please sign in.")
    sign_in(tab, "wrong")
    tab.shows("Connection refused: Not authorized.$")
    sign_in(tab, "secret")
    tab.shows("Connected as ann")
    expect(tab.page.get_by_role("button", name="Sign in")).to_be_hidden()
    chat.network.cut()
    chat.network.restore()
    tab.end_wait()
    tab.shows("Connected as ann")
    tab.send("hello")
    expect(tab.messages).to_have_text([MISSING, "rooms/lobby/say/annhello"])


def sign_in(tab: Tab, password: str) -> None:
    tab.page.get_by_label("User name").fill("ann")
    tab.page.get_by_label("Password").fill(password)
    tab.page.get_by_role("button", name="Sign in").click()


def test_a_page_without_credentials_has_a_client_id_of_its_own_in_each_tab(start: Start, tmp_path: Path) -> None:
    config = fill(tmp_path) / "authorizer.toml"
    config.write_text('name = "public"\npolicy = "policies/public.toml"\n[anonymous]\nprincipal = "public"\n')
    chat = start(config)
    chat.write("--anonymous")
    first, second = chat.tab(), chat.tab()
    first.shows("Connected")
    second.shows("Connected")
    first.send("hello")
    expect(second.messages).to_have_text(["public/guestbookhello"])
    assert len({each["client_id"] for each in chat.decisions("connect")}) == 2


def test_unusual_names_arrive_unchanged(chat: Chat) -> None:
    rooms = json.dumps({"rooms": [ODD]})
    chat.write("--principal", ODD, "--claims", rooms, "--topic", f"rooms/{ODD}/say/{ODD}")
    tab = chat.tab()
    expect(tab.status).to_have_text(f"Connected as {ODD}.")
    tab.send("hello")
    expect(tab.messages).to_have_text([f"rooms/{ODD}/say/{ODD}hello"])


CREDENTIALS = re.compile(r"^async function credentials\(\) \{\n.*?^\}\n", re.MULTILINE | re.DOTALL)
SIGNING = blocks(DOCS / "how-to/give-temporary-credentials.md", "js")[0]


def test_a_page_signs_its_url_with_keys_of_the_credentials_endpoint(start: Start, tmp_path: Path) -> None:
    config = fill(tmp_path) / "authorizer.toml"
    config.write_text(config.read_text() + '\n[credentials]\norigins = ["http://localhost:8080"]\n')
    chat = start(config)
    chat.write("--authorizer", "")
    page = chat.core.web / "index.html"
    page.write_text(CREDENTIALS.sub(lambda _: SIGNING, page.read_text("utf-8")), "utf-8")
    tab = chat.tab()
    tab.shows("Connected as ann")
    tab.send("signed")
    tab.has("rooms/lobby/say/annsigned")
    (connected,) = chat.decisions("connect")
    assert connected["source"] == "signature"


def for_aws(chat: Chat, change: bytes = b"") -> Page:
    """A new tab for the page for AWS, with a CDN whose MQTT.js can be changed."""
    chat.write("--endpoint", "abc-ats.iot.us-east-1.amazonaws.com")
    page, path = chat.new_page(), mqtt_js_path()
    assert path is not None
    headers = {"Access-Control-Allow-Origin": "*", "Content-Type": "text/javascript"}
    page.route(MQTT_JS, lambda route: route.fulfill(body=path.read_bytes() + change, headers=headers))
    return page


def test_a_page_for_aws_takes_mqtt_js_from_a_cdn(chat: Chat) -> None:
    chat.open(for_aws(chat)).shows("fetchToken is not written yet. Connecting again in")


def test_a_page_for_aws_does_not_run_another_file_than_the_pinned_one(chat: Chat) -> None:
    page = for_aws(chat, b"//")
    with page.expect_console_message(lambda message: "integrity" in message.text):
        tab = chat.open(page)
    tab.shows("MQTT.js is loading. If this stays")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_axe_finds_nothing(chat: Chat, scheme: str, width: int) -> None:
    tab = chat.tab(token=expired)
    tab.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    tab.page.set_viewport_size({"width": width, "height": 800})
    expect(tab.again).to_be_visible()
    refused = findings(tab.page)
    tab.page.unroute("**/console/token")
    tab.again.click()
    tab.shows("Connected as ann")
    tab.send("a" * 200)
    expect(tab.messages).to_have_count(1)
    assert (refused, findings(tab.page)) == ([], [])
    assert tab.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
