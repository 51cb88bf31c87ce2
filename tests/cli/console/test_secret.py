"""The console needs its secret."""

import http.client
import os
import stat
from collections.abc import Callable, Iterator
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from iot_authorizer_cli.console.secret_file import console_secret
from iot_authorizer_cli.local_iot_core import LocalIotCore
from iot_policies import InvalidFile
from tests.cli.console.conftest import Answer, Open

PATHS = [
    "/",
    "/console/state",
    "/console/feed",
    "/console/stored",
    "/console/reasons",
    "/console/mqtt.js",
    "/console/static/page.js",
    "/web/",
]
PATHS += ["/web/mqtt.js"]
POSTED = ["/console/token", "/console/policy", "/console/explain"]

Send = Callable[..., Answer]


@pytest.fixture
def send(core: LocalIotCore) -> Iterator[Send]:
    """Sends a request without a secret, unless its headers have one."""
    connection = http.client.HTTPConnection(urlsplit(core.url).netloc)

    def send(path: str, headers: dict[str, str] | None = None, body: str | None = None) -> Answer:
        connection.request("GET" if body is None else "POST", path, body, headers or {})
        answer = connection.getresponse()
        return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read().decode())

    yield send
    connection.close()


def secret_of(core: LocalIotCore) -> str:
    return urlsplit(core.console_url).query.removeprefix("secret=")


@pytest.mark.parametrize("path", [*PATHS, "/console/nowhere"])
def test_without_the_secret_nothing_of_the_console_is_served(send: Send, path: str) -> None:
    answer = send(path)
    assert answer.status == 403
    assert "dev` prints" in answer.text or "dev</code> prints" in answer.text


@pytest.mark.parametrize("path", POSTED)
def test_without_the_secret_no_token_is_made_and_nothing_explained(send: Send, path: str) -> None:
    body = '{"principal": "ann", "action": "publish", "resource": "a"}'
    answer = send(path, {"Content-Type": "application/json"}, body)
    assert (answer.status, "secret is missing" in answer.text) == (403, True)


def wrong(secret: str) -> list[str]:
    return ["x", secret[:-1], f"{secret}x", secret.swapcase(), "é", "\u00a0"]


def test_a_wrong_secret_is_refused_wherever_it_is_sent(send: Send, core: LocalIotCore) -> None:
    for each in wrong(secret_of(core)):
        cookie = f"iot-authorizer-{core.port}={each}".encode().decode("latin-1")
        assert send("/console/state", {"Cookie": cookie}).status == 403
        assert send("/console/state", {"Authorization": f"Bearer {each}".encode().decode("latin-1")}).status == 403
        assert send(f"/?secret={each.encode().decode('latin-1')}".encode("ascii", "replace").decode()).status == 403


def test_the_secret_in_the_url_of_another_path_counts_for_nothing(send: Send, core: LocalIotCore) -> None:
    assert send(f"/console/state?secret={secret_of(core)}").status == 403


@pytest.mark.parametrize("page", ["/", "/web/"])
def test_the_first_load_puts_the_secret_into_a_cookie_and_leads_to_a_url_without_it(
    send: Send, core: LocalIotCore, page: str
) -> None:
    answer = send(f"{page}?a=1%262&secret={secret_of(core)}&b=%0D%0A")
    assert (answer.status, answer.headers["location"], answer.text) == (303, f"{page}?a=1%262&b=%0D%0A", "")
    assert (answer.headers["cache-control"], answer.headers["referrer-policy"]) == ("no-store", "no-referrer")
    (cookie,) = SimpleCookie(answer.headers["set-cookie"]).values()
    assert (cookie.key, cookie["httponly"], cookie["samesite"].lower(), cookie["path"], cookie["domain"]) == (
        f"iot-authorizer-{core.port}",
        True,
        "lax",
        "/",
        "",
    )
    assert send("/", {"Cookie": f"{cookie.key}={cookie.value}"}).status == 200


def test_the_cookie_of_another_port_is_not_this_ones(send: Send, core: LocalIotCore) -> None:
    assert send("/", {"Cookie": f"iot-authorizer-{core.port + 1}={secret_of(core)}"}).status == 403


@pytest.mark.parametrize("host", ["localhost", "localhost:", "localhost:99999", "[::1]", "127.0.0.1:80"])
def test_any_port_in_the_host_header_has_a_cookie_of_its_own(send: Send, core: LocalIotCore, host: str) -> None:
    cookie = send(f"/?secret={secret_of(core)}", {"Host": host}).headers["set-cookie"].partition(";")[0]
    assert send("/", {"Host": host, "Cookie": cookie}).status == 200
    assert send("/", {"Cookie": cookie}).status == 403


def test_a_program_sends_the_secret_as_a_bearer_token(send: Send, core: LocalIotCore) -> None:
    assert send("/console/state", {"Authorization": f"Bearer {secret_of(core)}"}).status == 200


def test_the_apis_of_aws_need_no_secret(send: Send) -> None:
    assert send("/endpoint").status == 200


@pytest.mark.parametrize("page", ["/", "/web/"])
def test_the_page_without_a_secret_runs_no_script_and_names_its_own_url(
    send: Send, core: LocalIotCore, page: str
) -> None:
    answer = send(f"{page}?secret=%3Cscript%3E")
    assert (answer.status, "<script" in answer.text) == (403, False)
    assert f"http://127.0.0.1:{core.port}{page}?secret=$(cat" in answer.text.replace("localhost", "127.0.0.1")
    assert "default-src 'self'" in answer.headers["content-security-policy"]


def test_the_secret_is_made_once_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    first = console_secret(tmp_path)
    (path,) = tmp_path.iterdir()
    assert (stat.S_IMODE(path.stat().st_mode), len(first) >= 43) == (0o600, True)
    assert console_secret(tmp_path) == first
    path.unlink()
    assert console_secret(tmp_path) != first


@pytest.mark.parametrize(
    ("content", "mode"), [("", 0o600), ("short", 0o600), ("a" * 42 + "é", 0o600), ("a" * 43, 0o644)]
)
def test_a_file_that_is_not_a_private_secret_is_refused(tmp_path: Path, content: str, mode: int) -> None:
    path = tmp_path / "console-secret"
    path.write_text(content)
    os.chmod(path, mode)  # noqa: PTH101
    with pytest.raises(InvalidFile, match=r"console-secret: .*new one is made"):
        console_secret(tmp_path)


@pytest.mark.slow
def test_a_restart_breaks_no_tab(folder: Path, open_console: Open) -> None:
    config, data = folder / "authorizer.toml", folder / "kept"
    with LocalIotCore(config, folder=data) as core:
        console = open_console(core.console_url)
        assert console.page.url == f"{core.url}/"
    with LocalIotCore(config, folder=data, port=core.port):
        expect(console.page.locator("#feed-state")).to_have_text("live")
        console.page.reload()
        console.page.get_by_text("live", exact=True).wait_for()
    assert console.page.context.cookies()[0]["httpOnly"]


@pytest.mark.slow
def test_a_tab_with_an_old_secret_says_how_to_get_the_new_url(folder: Path, open_console: Open) -> None:
    config = folder / "authorizer.toml"
    with LocalIotCore(config) as core:
        console = open_console(core.console_url)
    with LocalIotCore(config, port=core.port):
        expect(console.page.locator("#notice")).to_contain_text("secret is wrong: open the URL")


ANOTHER_SITE = """async (url) => {
  const asked = { mode: "no-cors", credentials: "include" };
  await fetch(`${url}/console/state`, asked).catch(() => {});
  await fetch(`${url}/console/token`, { ...asked, method: "POST", body: "{}" }).catch(() => {});
  const frame = Object.assign(document.createElement("iframe"), { src: `${url}/web/`, name: "frame" });
  const framed = new Promise((resolve) => frame.addEventListener("load", resolve));
  document.body.append(frame);
  await framed;
  const sent = { method: "post", action: `${url}/console/token`, target: "frame" };
  const form = Object.assign(document.createElement("form"), sent);
  document.body.append(form);
  const posted = new Promise((resolve) => frame.addEventListener("load", resolve));
  form.submit();
  await posted;
}"""
"""What a page can send to another site: requests, a frame, a form."""


@pytest.mark.slow
def test_a_page_of_another_site_can_lead_to_the_page_and_use_nothing_of_it(
    open_console: Open, core: LocalIotCore
) -> None:
    answered: list[tuple[str, int]] = []
    context = open_console().page.context
    context.grant_permissions(["local-network-access"])
    page = context.new_page()
    page.route("https://evil.example/", lambda route: route.fulfill(body="<p>", content_type="text/html"))
    page.goto("https://evil.example/")
    page.on("response", lambda response: answered.append((urlsplit(response.url).path, response.status)))
    page.evaluate(ANOTHER_SITE, core.url)
    assert set(answered) == {("/console/token", 403), ("/web/", 403)}  # The browser shows no answer to the first.
    page.evaluate("(url) => void (location = url)", f"{core.url}/console/state")
    page.wait_for_url("**/console/state")
    assert answered[-1] == ("/console/state", 200)


@pytest.mark.slow
def test_a_browser_without_the_secret_is_told_how_to_get_the_url(open_console: Open, core: LocalIotCore) -> None:
    page = open_console().page.context.browser.new_context().new_page()  # type: ignore[union-attr]
    page.goto(core.url)
    expect(page.get_by_role("heading")).to_have_text("This page needs its secret")
    page.context.close()
