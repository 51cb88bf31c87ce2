"""The page for a browser: what it contains. tests/clients runs it in Chromium."""

import base64
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iot_authorizer_cli.console.web_folder import mqtt_js_path
from iot_authorizer_cli.snippets.browser import INTEGRITY, MQTT_JS, TAB, BrowserPage
from iot_authorizer_cli.snippets.settings import ClientEndpoint
from tests import ROOT
from tests.cli.snippets.test_programs import PRINTABLE
from tests.clients.needs import needs

AWS = ClientEndpoint.parse("abc-ats.iot.us-east-1.amazonaws.com")
HERE = BrowserPage(
    endpoint=ClientEndpoint.parse("http://127.0.0.1:8080"),
    means="token",
    principal="ann",
    claims={"rooms": ["lobby"]},
    principal_claim="sub",
    authorizer="chat",
    token_key_name="token",
    signing=False,
    client_id=f"ann/{TAB}",
    topic="rooms/lobby/say/ann",
    topic_filter="rooms/lobby/#",
)


class Elements(HTMLParser):
    """What a browser sees: each element, and the text of each script."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.names: list[str] = []
        self.scripts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        if tag == "script":
            self.scripts.append("")

    def handle_data(self, data: str) -> None:
        if self.lasttag == "script":
            self.scripts[-1] += data


@pytest.mark.parametrize(
    ("page", "lines"),
    [
        (HERE, ['client.subscribe("rooms/lobby/#", ', "publishAsync(`rooms/lobby/say/${user}`, "]),
        (HERE, ['"x-amz-customauthorizer-name": "chat", ...query', 'query: { token }', "/${tab}`"]),
        (HERE, ['mqtt.connect(`${location.origin.replace("http", "ws")}/mqtt`', 'claims: {"rooms": ["lobby"]}']),
        (HERE, ['"mqtt": "./mqtt.js"', "open http://localhost:8080/web/"]),
        (replace(HERE, authorizer=None, token_key_name=None), ["({ ...query })", "query: { access_token: token }"]),
        (replace(HERE, endpoint=AWS), [f'mqtt.connect("wss://{AWS.host}/mqtt"', '"integrity": {']),
        (replace(HERE, principal_claim="username"), ["))).username;", "no claim username"]),
        (replace(HERE, principal_claim="https://a/b", token_key_name="x-t"), ['["https://a/b"]', '{ "x-t": token }']),
        (replace(HERE, token_key_name="__proto__"), ['query: { ["__proto__"]: token }']),
        (
            replace(HERE, claims={"__proto__": {"a": {"__proto__": '{"__proto__":'}}, 'b {"__proto__': 1}),
            ['{["__proto__"]: {"a": {["__proto__"]: "{\\"__proto__\\":"}}, "b {\\"__proto__": 1}'],
        ),
        (replace(HERE, signing=True), ['"x-amz-customauthorizer-signature": signature']),
        (replace(HERE, means="password"), ["return { user: username, username, password }", 'type="password"']),
        (
            replace(HERE, means="anonymous", principal="public", client_id=f"public/{TAB}", topic="public/a"),
            ['user: "public"', "`public/${tab}`", 'publishAsync("public/a", '],
        ),
        (replace(HERE, client_id="ann"), ["clientId: `${user}`"]),
        (replace(HERE, client_id=f"a/ann-{TAB}", topic="a-ann"), ["`a/${user}-${tab}`", 'publishAsync("a-ann", ']),
        (replace(HERE, endpoint=AWS, signing=True), ["as { token, signature }:", "{ token, signature } = found;"]),
    ],
)  # fmt: skip
def test_a_page_has_its_endpoint_its_authorizer_and_the_names_of_its_user(page: BrowserPage, lines: list[str]) -> None:
    text = page.text()
    assert [line for line in lines if line not in text] == []
    assert "<<" not in text


@pytest.mark.parametrize("means", ["token", "password", "anonymous"])
def test_at_aws_the_page_never_asks_the_console(means: str) -> None:
    text = replace(HERE, endpoint=AWS, means=means).text()  # type: ignore[arg-type]
    assert ("/console/" in text, "./mqtt.js" in text) == (False, False)


@given(name=PRINTABLE, topic=PRINTABLE)
def test_no_name_and_no_topic_adds_an_element_or_ends_the_script(name: str, topic: str) -> None:
    for text in (topic, f"</script>{topic}", f"<!--{topic}<script>"):
        page = replace(HERE, principal=name, topic=f"{text}/{name}", claims={"rooms": [text]}, client_id=text)
        found, expected = Elements(page.text()), Elements(HERE.text())
        assert found.names == expected.names


@given(value=st.text(st.characters(exclude_categories=[])))
def test_any_claim_is_written_in_characters_that_can_be_seen(value: str) -> None:
    (line,) = [each for each in replace(HERE, claims={"a": value}).text().splitlines() if "claims: " in each]
    assert line.isprintable()
    assert json.loads(line.partition("claims: ")[2].removesuffix(" }),")) == {"a": value}


@given(name=PRINTABLE)
def test_a_name_is_the_same_text_in_the_script(name: str) -> None:
    text = replace(HERE, principal=name, topic=f"{name}$`\\${{x}}").text()
    strings = {json.loads(each) for each in re.findall(r'"(?:[^"\\\n]|\\.)*"', Elements(text).scripts[-1])}
    assert {name, f"{name}$`\\${{x}}"} <= strings


def test_control_characters_are_refused() -> None:
    with pytest.raises(ValueError, match="control character"):
        replace(HERE, topic="a\nb")


def test_the_version_and_the_hash_of_mqtt_js_are_those_of_the_installed_package() -> None:
    needs("mqtt.js")
    version = json.loads((ROOT / "package.json").read_text())["dependencies"]["mqtt"]
    path = mqtt_js_path()
    assert path is not None
    digest = base64.b64encode(hashlib.sha384(path.read_bytes()).digest()).decode()
    assert (f"/mqtt@{version}/" in MQTT_JS, INTEGRITY) == (True, f"sha384-{digest}")
