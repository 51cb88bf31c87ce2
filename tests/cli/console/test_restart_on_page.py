"""The page while the server goes and comes back."""

from pathlib import Path

from playwright.sync_api import expect

from iot_authorizer_cli.local_iot_core import LocalIotCore
from iot_core.broker.limits import IOT_CORE
from tests.cli.console.conftest import Open


def test_the_page_says_that_the_server_is_gone_and_goes_on_when_it_is_back(folder: Path, open_console: Open) -> None:
    config, limits = folder / "authorizer.toml", IOT_CORE.without_throttling()
    with LocalIotCore(config, limits=limits) as core:
        console = open_console(core.url)
        console.a.sign_in("ann")
        port = core.port
    state = console.page.locator("#feed-state")
    expect(state).to_have_text("no answer from the server")
    expect(console.a.state).to_have_attribute("data-state", "closed")
    console.a.press("Connect")
    expect(console.a.root.get_by_role("alert").filter(has_text="does not answer")).to_be_visible()
    with LocalIotCore(config, limits=limits, port=port):
        expect(state).to_have_text("live", timeout=20_000)
        console.a.connect()
        expect(console.decisions.filter(has_text=console.a.client_id).first).to_be_visible()
