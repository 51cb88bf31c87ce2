"""With signing enabled, IoT Core verifies a token's signature before it invokes the Lambda."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from iot_core.mqtt import ConnectReturnCode
from tests.local.harness.running import CONFIGURATION, Running, started
from tests.local.harness.signing_keys import Keys, SigningKey

SIGNATURE = "x-amz-customauthorizer-signature"
TOKEN = "header.payload+/="


@pytest.fixture
def key(keys: Keys) -> SigningKey:
    return keys[0]


@pytest.fixture
def other_key(keys: Keys) -> SigningKey:
    return keys[1]


@pytest.fixture
def running(folder: Path, key: SigningKey) -> Iterator[Running]:
    """A core whose authorizer verifies signatures."""
    (folder / "key.pem").write_text(key.pem)
    configuration = CONFIGURATION + '[signing]\npublic_keys = { first = "key.pem" }\n'
    with started(folder, configuration=configuration) as running:
        yield running


def in_user_name(token: str, signature: str) -> str:
    return f"ann?token={token}&{SIGNATURE}={signature}"


def refused(running: Running, user_name: str, reason: str) -> None:
    """Checks that a client is refused for a reason, and that the Lambda was not asked."""
    with running.client() as client:
        assert client.connect(user_name=user_name).reason_code == ConnectReturnCode.NOT_AUTHORIZED
        assert client.ends() == []
    running.record("decision", action="connect", allowed=False, reason=reason)
    assert running.function.events.empty()


def accepted(running: Running) -> None:
    event = running.function.events.get(timeout=10)
    assert (event["token"], event["signatureVerified"]) == (TOKEN, True)


@pytest.mark.parametrize("encoded", [True, False], ids=["URL-encoded", "as it is"])
def test_a_valid_signature_in_the_user_name_is_verified(running: Running, key: SigningKey, encoded: bool) -> None:
    signature = quote(key.sign(TOKEN), safe="") if encoded else key.sign(TOKEN)
    with running.client() as client:
        assert client.connect(user_name=in_user_name(TOKEN, signature)).reason_code == 0
    accepted(running)


def test_a_signature_without_padding_is_verified_and_the_feed_warns(running: Running, key: SigningKey) -> None:
    signature = key.sign(TOKEN)
    assert signature.endswith("=")
    for sent, warning in ((signature.rstrip("="), "the token's signature lacks its base64 padding"), (signature, None)):
        with running.client() as client:
            assert client.connect(user_name=in_user_name(TOKEN, quote(sent, safe=""))).reason_code == 0
        accepted(running)
        record = running.record("decision", action="connect", allowed=True)
        assert str(record.get("warning")).startswith(str(warning))


@pytest.mark.parametrize("place", ["query string", "headers"])
def test_a_valid_signature_of_a_websocket_is_verified(running: Running, key: SigningKey, place: str) -> None:
    if place == "headers":
        channel = running.web_socket(headers=[("Token", TOKEN), (SIGNATURE.title(), key.sign(TOKEN))])
    else:
        query = f"token={quote(TOKEN, safe='')}&{SIGNATURE}={quote(key.sign(TOKEN), safe='')}"
        channel = running.web_socket(path=f"/mqtt?{query}")
    with running.connected(channel=channel):
        accepted(running)


def test_a_signature_of_another_key_or_another_token_is_refused(
    running: Running, key: SigningKey, other_key: SigningKey
) -> None:
    for signature in (other_key.sign(TOKEN), key.sign("header.other")):
        refused(running, in_user_name(TOKEN, quote(signature, safe="")), "signature_invalid")


@pytest.mark.parametrize("signature", ["", "%00", "AAAA", "n\u00f6", "a b", "%2B%2B%2B", "=", "%ff"])
def test_an_invalid_signature_is_refused(running: Running, signature: str) -> None:
    refused(running, in_user_name(TOKEN, signature), "signature_invalid")


def test_a_signature_in_url_safe_base64_is_refused(running: Running, key: SigningKey) -> None:
    signature = key.sign(TOKEN)
    token, number = TOKEN, 0
    while not set(signature) & set("+/"):  # Nearly every signature has one.
        token, number = f"{TOKEN}{number}", number + 1
        signature = key.sign(token)
    url_safe = signature.replace("+", "-").replace("/", "_")
    refused(running, in_user_name(token, url_safe), "signature_invalid")


def test_a_missing_signature_and_a_missing_token_are_refused(running: Running, key: SigningKey) -> None:
    refused(running, f"ann?token={TOKEN}", "signature_missing")
    refused(running, f"ann?{SIGNATURE}={quote(key.sign(TOKEN), safe='')}", "token_missing")


def test_a_second_token_in_another_case_is_refused(running: Running, key: SigningKey) -> None:
    channel = running.web_socket(headers=[("token", TOKEN), ("TOKEN", "smuggled"), (SIGNATURE, key.sign(TOKEN))])
    with running.client(channel=channel) as client:
        assert client.connect().reason_code == ConnectReturnCode.NOT_AUTHORIZED
    running.record("decision", allowed=False, reason="signature_invalid")
    assert running.function.events.empty()


def test_a_signature_of_any_public_key_is_verified(running: Running, other_key: SigningKey) -> None:
    running.core.call(lambda: running.core.authorizers.update("chat", public_keys={"second": other_key.pem}))
    with running.client() as client:
        assert client.connect(user_name=in_user_name(TOKEN, quote(other_key.sign(TOKEN), safe=""))).reason_code == 0
    accepted(running)
