"""The console of a real IoT Core on this machine, over HTTP and in a real browser."""

import asyncio
import http.client
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect, sync_playwright

from iot_authorizer_cli.local_iot_core import LocalIotCore
from iot_core.broker.limits import IOT_CORE
from tests.cli.conftest import fill
from tests.clients.needs import needs

PATIENCE = 60_000
"""Milliseconds that a test waits for a page: what takes half a second can take half a minute on a busy machine."""

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


class Answer(NamedTuple):
    """An HTTP answer."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def json(self) -> dict[str, object]:
        found = json.loads(self.text)
        assert isinstance(found, dict)
        return found


MUTE = "rooms/lobby/mute/bob"
"""A topic of moderators."""
CLAIMS = "Claims (JSON object)"
"""The label of the field of claims."""

Ask = Callable[..., Answer]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user's folder, with the ready templates and the configuration."""
    return fill(tmp_path_factory.mktemp("user"))


@pytest.fixture(scope="module")
def core(folder: Path) -> Iterator[LocalIotCore]:
    """IoT Core on this machine, in a thread. It does not count connects a second: tests are fast."""
    with LocalIotCore(folder / "authorizer.toml", limits=IOT_CORE.without_throttling()) as core:
        yield core


@pytest.fixture(scope="module")
def core_url(core: LocalIotCore) -> str:
    """The page's URL with its secret, as `dev` prints it."""
    return core.console_url


@pytest.fixture
def ask(core_url: str) -> Iterator[Ask]:
    """Sends a request to the console: a path with JSON to post, or with a body and a Content-Type."""
    with asking(core_url) as ask:
        yield ask


@contextmanager
def asking(core_url: str) -> Iterator[Ask]:
    """As `ask`, for any console: its URL has the secret."""
    where = urlsplit(core_url)
    secret = {"Authorization": f"Bearer {where.query.removeprefix('secret=')}"}
    connection = http.client.HTTPConnection(where.netloc)

    def ask(path: str, posted: object = None, *, body: bytes | None = None, kind: str = "application/json") -> Answer:
        if posted is not None:
            body = json.dumps(posted).encode()
        headers = secret if body is None else {**secret, "Content-Type": kind}
        connection.request("GET" if body is None else "POST", path, body, headers)
        answer = connection.getresponse()
        return Answer(answer.status, dict(answer.getheaders()), answer.read().decode())

    yield ask
    connection.close()


Edit = Callable[..., None]


@pytest.fixture
def edit(core: LocalIotCore, folder: Path) -> Iterator[Edit]:
    """Saves the chat's template with one text in place of another, and more at its end; restores it after the test.

    Each time, it waits until IoT Core has loaded the file: otherwise the next save or the next test would see that.
    """
    path = folder / "policies/chat.toml"
    good = path.read_text()

    def save(text: str) -> None:
        last = core.feed.last_id
        new = path.with_suffix(".new")
        new.write_text(text)
        new.replace(path)  # At once: IoT Core never sees half of it.
        loaded = partial(core.feed.first, lambda each: each["id"] > last and each["kind"] == "reload")
        core.run(lambda: asyncio.wait_for(loaded(), PATIENCE / 1000))

    def edit(old: str = "", new: str = "", more: str = "") -> None:
        assert old in good
        save(good.replace(old, new) + more)

    yield edit
    if path.read_text() != good:
        save(good)


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    """Playwright, for one module only: while it runs, no other event loop can run in this thread."""
    expect.set_options(PATIENCE)
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Iterator[Browser]:
    browser = launch(playwright)
    yield browser
    browser.close()


def launch(playwright: Playwright) -> Browser:
    """Starts Chromium. Skips the test if Chromium or MQTT.js is not on this machine."""
    needs("mqtt.js")
    return playwright.chromium.launch(executable_path=needs("chromium"), args=list(ARGUMENTS))


def patient(context: BrowserContext) -> BrowserContext:
    """A session of the browser whose pages may be slow."""
    context.set_default_timeout(PATIENCE)
    return context


class Card:
    """A client on the page."""

    def __init__(self, page: Page, letter: str) -> None:
        self.root = page.get_by_role("article", name=f"Client {letter}")
        self.state = self.root.get_by_role("status")
        self.refusal = self.root.locator(".refusal")
        self.messages = self.root.get_by_role("log").get_by_role("listitem")
        self.subscriptions = self.root.get_by_role("list", name="Subscriptions").get_by_role("listitem")

    @property
    def client_id(self) -> str:
        return self.root.get_by_label("Client ID").input_value()

    def press(self, name: str) -> None:
        self.root.get_by_role("button", name=name, exact=True).click()

    def fill(self, label: str, text: str) -> None:
        self.root.get_by_label(label, exact=True).fill(text)

    def sign_in(self, preset: str) -> None:
        """Connects as one of the principals that the page offers."""
        self.press(preset)
        self.connect()

    def connect(self) -> None:
        self.press("Connect")
        self.root.get_by_text("connected", exact=True).wait_for()

    def subscribe(self, topic_filter: str) -> None:
        self.fill("Subscribe to", topic_filter)
        self.press("Subscribe")
        self.subscriptions.filter(has_text=topic_filter).wait_for()

    def publish(self, topic: str, payload: str = "hello") -> None:
        self.fill("Publish to", topic)
        self.fill("Payload", payload)
        self.press("Publish")


class Console:
    """The page, as a user sees it."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.complaints: list[str] = []
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda message: self.complaints.append(message.text) if message.type == "error" else None)
        page.goto(url)
        self.a, self.b = Card(page, "A"), Card(page, "B")
        page.get_by_text("live", exact=True).wait_for()
        self.decisions = page.locator("#feed-rows > li")

    def is_wider_than_the_screen(self) -> bool:
        found = self.page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
        return bool(found)


Open = Callable[..., Console]


@pytest.fixture
def open_console(browser: Browser, core_url: str) -> Iterator[Open]:
    """Opens the page in a new session of the browser; options are those of Playwright's `new_context`."""
    contexts = []

    def open_console(url: str = core_url, **options: object) -> Console:
        contexts.append(patient(browser.new_context(**options)))  # type: ignore[arg-type]
        return Console(contexts[-1].new_page(), url)

    yield open_console
    for context in contexts:
        context.close()


@pytest.fixture
def console(open_console: Open) -> Console:
    """The page, at a desk."""
    return open_console(viewport={"width": 1280, "height": 800})


def authorizer(folder: Path, name: str, text: str) -> Iterator[LocalIotCore]:
    """IoT Core with another configuration."""
    path = folder / name
    path.write_text(text)
    with LocalIotCore(path, limits=IOT_CORE.without_throttling()) as core:
        yield core


def choose(console: Console, means: str) -> None:
    """Chooses how client A signs in."""
    console.a.root.get_by_label("Sign in with").select_option(means)
