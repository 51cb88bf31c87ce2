"""The programs for clients: endpoints, encoding and quoting. tests/clients runs them."""

import ast
import json
import re
import shlex
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iot_authorizer_cli.snippets.programs import Program, Transport, client_ids, snippet, subscribes
from iot_authorizer_cli.snippets.settings import ClientEndpoint, ClientSettings

TOPIC = "rooms/lobby/say/ann"
AT_AWS = ClientSettings(
    endpoint=ClientEndpoint.parse("abc-ats.iot.us-east-1.amazonaws.com"),
    authorizer="chat",
    token_key_name="token",
    client_ids=("ann",),
    topic=TOPIC,
    topic_filter=TOPIC,
)
PRINTABLE = st.text(st.characters(exclude_categories=("C", "Z"), include_characters=" "), min_size=1)
"""What `str.isprintable` allows, drawn without a filter: too many draws would be thrown away."""


def python_strings(program: str) -> set[object]:
    return {node.value for node in ast.walk(ast.parse(program)) if isinstance(node, ast.Constant)}


def javascript_strings(program: str) -> set[object]:
    return {json.loads(text) for text in re.findall(r'"(?:[^"\\]|\\.)*"', program)}


def shell_words(program: str) -> set[object]:
    return set(shlex.split(program, comments=True))


@pytest.mark.parametrize(
    ("text", "url", "where"),
    [
        ("abc.amazonaws.com", "https://abc.amazonaws.com/", "AWS"),
        ("wss://abc.amazonaws.com/mqtt", "https://abc.amazonaws.com/", "AWS"),
        ("mqtts://abc.amazonaws.com", "https://abc.amazonaws.com:8883/", "AWS"),
        (
            "https://ABC.iot.cn-north-1.amazonaws.com.cn.:8443",
            "https://abc.iot.cn-north-1.amazonaws.com.cn.:8443/",
            "AWS",
        ),
        ("abc.iot.eu-west-1.api.aws", "https://abc.iot.eu-west-1.api.aws/", "AWS"),
        ("iot.example.com", "https://iot.example.com/", "AWS"),
        ("mqtts://iot.example.com", "https://iot.example.com:8883/", "AWS"),
        ("https://vm.example.com:8443", "https://vm.example.com:8443/", "another machine"),
        ("http://amazonaws.com", "http://amazonaws.com/", "another machine"),
        ("http://vm:18301", "http://vm:18301/", "another machine"),
        ("https://vm", "https://vm/", "another machine"),
        ("http://192.168.1.5:8080", "http://192.168.1.5:8080/", "another machine"),
        ("https://192.168.1.5", "https://192.168.1.5/", "another machine"),
        ("https://[fd00::5]", "https://[fd00::5]/", "another machine"),
        ("mqtt://localhost", "http://localhost:1883/", "here"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080/", "here"),
        ("http://localhost", "http://localhost/", "here"),
        ("https://[::1]:8443", "https://[::1]:8443/", "here"),
        ("https://127.0.0.1", "https://127.0.0.1/", "here"),
    ],
)
def test_an_endpoint_is_read_from_a_host_or_a_url(text: str, url: str, where: str) -> None:
    endpoint = ClientEndpoint.parse(text)
    assert endpoint.url("http", "/") == url
    assert (endpoint.at_aws, endpoint.local) == (where == "AWS", where == "here")


@pytest.mark.parametrize(
    "text", ["localhost:8080", "http://", "ftp://a", "a:port", "https://user@a", "https://a/b", "https://a?b", "a#b"]
)
def test_a_text_that_is_not_an_endpoint_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"expected (HOST|a scheme)"):
        ClientEndpoint.parse(text)


@pytest.mark.parametrize(
    ("client", "strings", "token", "expected"),
    [
        ("awsiotsdk", python_strings, "a+b", {"a%2Bb", "c2ln+/=="}),
        ("curl", shell_words, "a+b", {"token: a+b", "x-amz-customauthorizer-signature: c2ln+/=="}),
    ],
    ids=["the SDK encodes the signature itself", "headers are not encoded"],
)
def test_a_token_and_its_signature_are_encoded_only_as_far_as_the_client_does_not(
    client: Program, strings: Callable[[str], set[object]], token: str, expected: set[object]
) -> None:
    assert expected <= strings(snippet(client, replace(AT_AWS, token=token, signature="c2ln+/==")))


@pytest.mark.parametrize("client", ["mqtt.js", "paho", "mosquitto"])
def test_a_token_and_its_signature_are_url_encoded(client: Program) -> None:
    ids = client_ids(client, "ann")
    program = snippet(client, replace(AT_AWS, client_ids=ids, token="a+b/c=&?#% d", signature="c2ln+/=="))
    assert "token=a%2Bb%2Fc%3D%26%3F%23%25%20d&x-amz-customauthorizer-signature=c2ln%2B%2F%3D%3D" in program


def test_an_ipv6_address_is_in_brackets_in_a_url() -> None:
    endpoint = ClientEndpoint.parse("http://[::1]:8080")
    assert '"ws://[::1]:8080/mqtt?' in snippet("mqtt.js", replace(AT_AWS, endpoint=endpoint, token="t"))


def test_a_ca_is_read_from_its_file() -> None:
    program = snippet("mqtt.js", replace(AT_AWS, ca=Path("/data/ca.pem"), token="t"))
    assert 'ca: readFileSync("/data/ca.pem")' in program
    assert "<<" not in program


@pytest.mark.parametrize(("client", "transport"), [("paho", "ws"), ("paho", "mqtt"), ("awsiotsdk", "ws")])
def test_a_program_of_each_transport_is_valid_python(client: Program, transport: Transport) -> None:
    for hears_itself in (True, False):
        settings = replace(AT_AWS, user_name="bob", password="p", hears_itself=hears_itself)
        assert {"bob", "p", TOPIC} <= {
            str(each).partition("?")[0] for each in python_strings(snippet(client, settings))
        }
        assert ast.parse(snippet(client, settings, transport))


def test_mosquitto_subscribes_only_if_it_receives_its_own_messages_with_a_client_id_of_its_own() -> None:
    two, one = ("ann/sub", "ann/pub"), ("ann",)
    assert [subscribes("mosquitto", ids, heard) for ids, heard in ((two, True), (two, False), (one, True))] == [
        True,
        False,
        False,
    ]
    for ids, heard in ((two, True), (two, False), (one, True)):
        program = snippet("mosquitto", replace(AT_AWS, client_ids=ids, hears_itself=heard, token="t"))
        assert ("mosquitto_sub" in program) == subscribes("mosquitto", ids, heard)


@pytest.mark.parametrize(
    ("client", "strings"),
    [
        ("mqtt.js", javascript_strings),
        ("paho", python_strings),
        ("awsiotsdk", python_strings),
        ("mosquitto", shell_words),
    ],
)
@given(topic=PRINTABLE, client_id=PRINTABLE, password=PRINTABLE)
def test_any_text_arrives_in_a_program_as_it_is(
    client: Program, strings: Callable[[str], set[object]], topic: str, client_id: str, password: str
) -> None:
    ids = client_ids(client, client_id)
    program = snippet(client, replace(AT_AWS, topic=topic, client_ids=ids, user_name="bob", password=password))
    assert {topic, *ids, password} <= strings(program)
