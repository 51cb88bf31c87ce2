"""Chromium asks the credentials endpoint from pages of two origins, of which `origins` has one."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from iot_authorizer_cli.local_iot_core import LocalIotCore
from tests.clients.chromium_client import ARGUMENTS
from tests.clients.needs import needs
from tests.clients.test_signing_clients import core_of

pytestmark = pytest.mark.slow

ALLOWED, OTHER = "http://localhost:3000", "http://localhost:3001"
TEMPLATE = '[[grant]]\nconnect = ["{principal}"]\n'
ASK = """async ([url, token, mode]) => {
  const headers = token ? { authorization: `Bearer ${token}` } : {};
  try {
    const answer = await fetch(url, { headers, mode });
    return [answer.status, (await answer.json()).clientId];
  } catch (error) {
    return [error.name, null];
  }
}"""


@pytest.fixture(scope="module")
def core(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalIotCore]:
    tables = f'\n[anonymous]\nprincipal = "guest"\n\n[credentials]\norigins = ["{ALLOWED}"]\n'
    with core_of(tmp_path_factory.mktemp("core"), TEMPLATE, tables) as core:
        yield core


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = needs("chromium")
    with sync_playwright() as playwright, playwright.chromium.launch(executable_path=program, args=ARGUMENTS) as found:
        yield found


def page_of(browser: Browser, origin: str) -> Page:
    """A page of an origin that no server needs to have. So Chromium does not know that it is of this machine."""
    context = browser.new_context(permissions=["local-network-access"])
    page = context.new_page()
    page.route(f"{origin}/", lambda route: route.fulfill(body="<p>page</p>", content_type="text/html"))
    page.goto(f"{origin}/")
    return page


@pytest.mark.parametrize("principal", ["ann", "guest"])
def test_a_page_of_an_allowed_origin_gets_credentials(core: LocalIotCore, browser: Browser, principal: str) -> None:
    token = "" if principal == "guest" else core.token(principal)
    found = page_of(browser, ALLOWED).evaluate(ASK, [core.credentials_url, token, "cors"])
    assert found == [200, principal]


@pytest.mark.parametrize("mode", ["cors", "no-cors"])
@pytest.mark.parametrize("principal", ["ann", "guest"])
def test_a_page_of_another_origin_reads_nothing(
    core: LocalIotCore, browser: Browser, principal: str, mode: str
) -> None:
    token = "" if principal == "guest" else core.token(principal)
    status, client_id = page_of(browser, OTHER).evaluate(ASK, [core.credentials_url, token, mode])
    assert (status == 200, client_id) == (False, None)
