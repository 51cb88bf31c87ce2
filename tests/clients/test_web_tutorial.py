"""docs/tutorials/web-developer.md from beginning to end: its commands, its page, and its functions in Chromium."""

import difflib
import json
import re
import shutil
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Route

from iot_authorizer_cli.console.web_folder import mqtt_js_path
from iot_authorizer_cli.snippets.browser import MQTT_JS
from tests.authorizer.keys import public_keys, signing_key
from tests.authorizer.tokens import mint
from tests.cli.conftest import fill
from tests.clients.tabs import Chat, Start, Tab
from tests.test_documentation import DOCS, Terminal, blocks, commands

pytestmark = pytest.mark.slow

PAGE = DOCS / "tutorials/web-developer.md"
AMPLIFY, MANAGED_LOGIN = blocks(PAGE, "js")
IMPORT_MAP = json.loads(blocks(PAGE, "json")[0])
FETCH_TOKEN = re.compile(r"async function fetchToken\(\) \{\n.*?^\}\n", re.MULTILINE | re.DOTALL)
ENDPOINT = "wss://abc-ats.iot.eu-west-1.amazonaws.com/mqtt"
SUB = "c2d5e4a4-1021-7058-93d6-6b6f2d1a0e11"
"""A name that Cognito gives a user."""
BUNDLED = "http://localhost/amplify.js"
"""What a bundler would load instead of Amplify."""
LOGIN = "https://login.example.com/"
"""Another site, which leads back to the page."""
LOGIN_PAGE = "<script>location = `${new URLSearchParams(location.search).get('back')}?RESULT&state=x`</script>"
AMPLIFY_STUB = "export const fetchAuthSession = async () => ({ tokens: { accessToken: TOKEN } });"
MANAGED_LOGIN_STUB = """
export class UserManager {
  constructor({ authority, client_id, redirect_uri }) {
    if (!authority || !client_id || !redirect_uri.endsWith("/web/")) throw new Error("settings");
  }
  async getUser() { return JSON.parse(sessionStorage.user ?? "null"); }
  async signinRedirect() {
    location = `LOGIN?${new URLSearchParams({ back: `${location.origin}${location.pathname}` })}`;
    await new Promise(() => {});
  }
  async signinCallback() {
    const error = new URLSearchParams(location.search).get("error");
    if (error) throw new Error(error);
    sessionStorage.user = JSON.stringify({ expired: true });
    return this.getUser();
  }
  async signinSilent() { return { access_token: TOKEN }; }
}
"""


@pytest.fixture
def project(written: Path, tmp_path: Path) -> Path:
    """A copy of the reader's folder."""
    return shutil.copytree(written, tmp_path / "project", symlinks=True)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which the reader's commands have run. Its user pool has a key of this test."""
    start = tmp_path_factory.mktemp("reader")
    with ExitStack() as cores:
        terminal = Terminal(fill(start), cores)
        for command, _ in commands(PAGE):
            terminal.run(command)
    config = terminal.folder / "authorizer.toml"
    config.write_text(re.sub(r'"https://\S+/jwks.json"', '"jwks.json"', config.read_text()))
    (terminal.folder / "jwks.json").write_text(json.dumps(public_keys(signing_key("RS256"))))
    return terminal.folder


def token(project: Path) -> str:
    """An access token of the user pool, as a JavaScript string."""
    config = (project / "authorizer.toml").read_text()
    (issuer,), (client,) = re.findall(r'issuer +"?= "(.*)"', config), re.findall(r'client_id +"?= \["(.*)"\]', config)
    claims = {"sub": SUB, "username": "ann", "cognito:groups": ["lobby"], "token_use": "access", "client_id": client}
    return json.dumps(mint(signing_key("RS256"), iss=issuer, aud=..., **claims))


def test_two_users_chat_in_a_room_that_is_a_group(start: Start, project: Path) -> None:
    chat = start(project / "authorizer.toml")
    ann, bob = chat.tab(), chat.tab("bob")
    ann.shows("Connected as ann")
    bob.shows("Connected as bob")
    ann.send("hello")
    bob.has("rooms/lobby/say/annhello")


def sign_in(chat: Chat, text: str, function: str, imports: dict[str, str], modules: dict[str, str]) -> None:
    """Puts a function of the tutorial into a page, opens it, and chats. It imports modules as the import map says."""
    tab = open_with(chat, text, function, imports, modules, "code=abc")
    tab.shows(f"Connected as {SUB}")
    tab.send("hello")
    tab.has(f"rooms/lobby/say/{SUB}hello")


def open_with(
    chat: Chat, text: str, function: str, imports: dict[str, str], modules: dict[str, str], result: str
) -> Tab:
    """Puts a function of the tutorial into a page, and opens it; a sign-in on another site has this result."""
    text = FETCH_TOKEN.sub(lambda _: function, text)
    found = json.loads(re.findall(r'<script type="importmap">(.*?)</script>', text, re.DOTALL)[0])
    found["imports"] |= imports
    text = re.sub(
        r'(<script type="importmap">).*?(</script>)',
        lambda m: f"{m[1]}{json.dumps(found)}{m[2]}",
        text,
        flags=re.DOTALL,
    )
    (chat.core.web / "index.html").write_text(text)
    page = chat.new_page()
    back = LOGIN_PAGE.replace("RESULT", result)
    page.route(f"{LOGIN}**", lambda route: route.fulfill(body=back, content_type="text/html"))
    for url, body in modules.items():
        page.route(url, module(body))
    return chat.open(page)


def module(body: str) -> Callable[[Route], None]:
    """Answers with a JavaScript module."""
    headers = {"Access-Control-Allow-Origin": "*", "Content-Type": "text/javascript"}
    return lambda route: route.fulfill(body=body, headers=headers)


def test_a_user_signs_in_with_amplify(start: Start, project: Path) -> None:
    chat = start(project / "authorizer.toml")
    text = (project / "web/index.html").read_text()
    stub = AMPLIFY_STUB.replace("TOKEN", token(project))
    sign_in(chat, text, AMPLIFY, {"aws-amplify/auth": BUNDLED}, {BUNDLED: stub})


def test_a_user_signs_in_with_managed_login(start: Start, project: Path) -> None:
    chat = start(project / "authorizer.toml")
    text = (project / "web/index.html").read_text()
    stub = MANAGED_LOGIN_STUB.replace("TOKEN", token(project)).replace("LOGIN", LOGIN)
    modules = {IMPORT_MAP["imports"]["oidc-client-ts"]: stub}
    tab = open_with(chat, text, MANAGED_LOGIN, IMPORT_MAP["imports"], modules, "error=access_denied")
    tab.end_wait()
    tab.shows("^access_denied. Connecting again in")  # It does not lead to the other site again and again.
    sign_in(chat, text, MANAGED_LOGIN, IMPORT_MAP["imports"], modules)


def test_the_page_for_aws_works_with_the_same_function(start: Start, project: Path) -> None:
    chat = start(project / "authorizer.toml")
    text = (project / "index.html").read_text()
    assert f'mqtt.connect("{ENDPOINT}", ' in text
    here = text.replace(ENDPOINT, f"ws://localhost:{chat.network.port}/mqtt").replace("chat-dev", "chat")
    path = mqtt_js_path()
    assert path is not None
    modules = {BUNDLED: AMPLIFY_STUB.replace("TOKEN", token(project)), MQTT_JS: path.read_text()}
    sign_in(chat, here, AMPLIFY, {"aws-amplify/auth": BUNDLED}, modules)


def test_the_page_for_aws_differs_only_where_the_tutorial_says_so(project: Path) -> None:
    local, deployed = (
        FETCH_TOKEN.sub("", path.read_text()) for path in (project / "web/index.html", project / "index.html")
    )
    changed = [line for line in difflib.ndiff(local.splitlines(), deployed.splitlines()) if line[0] in "+-"]
    about = ("<!--", "imports", "integrity", "cdn.jsdelivr", "mqtt.connect(", "customauthorizer-name")
    assert [line for line in changed if len(line) > 6 and not any(word in line for word in about)] == []
