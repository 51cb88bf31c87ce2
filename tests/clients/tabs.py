"""The page of `iot-authorizer connect --for browser` in browser tabs, with IoT Core on this machine."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect
from typer.testing import CliRunner

from iot_authorizer_cli.app import app
from iot_authorizer_cli.local_iot_core import LocalIotCore
from iot_core.broker.limits import IOT_CORE
from tests.cli.console.conftest import patient
from tests.clients.network import Network, network
from tests.clock import Clock

LIMITS = IOT_CORE.without_throttling()
LONGEST_WAIT = 60_000
"""Milliseconds after which the page has surely tried to connect again."""


class Chat:
    """IoT Core with the ready template for chats, and the page in browser tabs."""

    def __init__(self, core: LocalIotCore, clock: Clock, way: Network, context: BrowserContext) -> None:
        self.core = core
        self.clock = clock
        self.network = way
        self._context = context

    def write(self, *options: str) -> None:
        """Writes the page that `connect` prints with some options."""
        assert self.core.ca_path is not None
        files = ["--config", str(self.core.configuration.path), "--data", str(self.core.ca_path.parent)]
        done = CliRunner().invoke(app, ["connect", "--for", "browser", *files, *options], catch_exceptions=False)
        assert done.exit_code == 0, done.stderr
        self.core.web.mkdir(exist_ok=True)
        (self.core.web / "index.html").write_text(done.stdout, "utf-8")

    def new_page(self) -> Page:
        """A new, empty tab."""
        return self._context.new_page()

    def open(self, page: Page, query: str = "") -> "Tab":
        """Opens the page in a tab. The first time, the URL has the secret."""
        page.clock.install()
        secret = self.core.console_url.partition("?")[2]
        url = f"http://localhost:{self.network.port}/web/"
        page.goto(f"{url}?{query or secret}")
        return Tab(page)

    def tab(self, user: str | None = None, *, token: Callable[[Route], None] | None = None) -> "Tab":
        """Opens the page in a new tab. `token` answers its requests for tokens."""
        page = self.new_page()
        if token is not None:
            page.route("**/console/token", token)
        return self.open(page, "" if user is None else f"user={user}")

    def decisions(self, action: str, *, allowed: bool = True) -> Sequence[Mapping[str, object]]:
        """The decisions about an action, oldest first."""
        records = self.core.call(lambda: list(self.core.feed.recent()))
        return [each for each in records if each.get("action") == action and each["allowed"] == allowed]

    def let_pass(self, seconds: float) -> None:
        """Lets time pass for IoT Core, in which it hears nothing."""
        self.core.call(self.core.check_time)
        self.clock.now += seconds
        self.core.call(self.core.check_time)


class Tab:
    """The page in one tab, as a user sees it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.status = page.get_by_role("status")
        self.messages = page.get_by_role("log").get_by_role("listitem")
        self.note = page.get_by_role("alert")
        self.again = page.get_by_role("button", name="Connect again")
        self.text = page.get_by_label("Message", exact=True)

    def has(self, message: str) -> None:
        """Waits for the only message."""
        expect(self.messages).to_have_text([message])

    def send(self, text: str) -> None:
        self.text.fill(text)
        self.text.press("Enter")

    def shows(self, status: str) -> None:
        """Waits for a status."""
        expect(self.status).to_have_text(re.compile(status))

    def end_wait(self) -> None:
        """Lets the time pass that the page waits before it connects again."""
        self.shows("Connecting again in")
        self.page.clock.fast_forward(LONGEST_WAIT)


Start = Callable[..., Chat]


@pytest.fixture
def start(browser: Browser, tmp_path: Path) -> Iterator[Start]:
    """Starts IoT Core with a configuration, in which the page's port replaces 8080."""
    with ExitStack() as stack:

        def start(config: Path, time_scale: float = 1) -> Chat:
            clock, data = Clock(1000), tmp_path / "data"
            way = stack.enter_context(network())
            config.write_text(config.read_text().replace(":8080", f":{way.port}"))
            core = LocalIotCore(config, folder=data, limits=LIMITS, clock=clock, time_scale=time_scale)
            way.target = stack.enter_context(core).port
            context = stack.enter_context(browser.new_context(reduced_motion="reduce"))
            return Chat(core, clock, way, patient(context))

        yield start
