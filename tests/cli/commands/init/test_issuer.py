"""The `[[jwt]]` table that the options of `init` make."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import typer

from iot_authorizer_cli.commands.init.issuer import IssuerOptions, jwt_table
from tests.http_server import Handler, HttpServer, serving

COGNITO = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbC123"
TABLES = {
    "cognito": (
        IssuerOptions(cognito="eu-west-1_AbC123", client="3n4b"),
        {"issuer": COGNITO, "client_id": ["3n4b"], "jwks": f"{COGNITO}/.well-known/jwks.json"},
    ),
    "auth0": (
        IssuerOptions(auth0="https://example.eu.auth0.com/", audience="chat"),
        {
            "issuer": "https://example.eu.auth0.com/",
            "audience": ["chat"],
            "jwks": "https://example.eu.auth0.com/.well-known/jwks.json",
        },
    ),
    "issuer": (
        IssuerOptions(issuer="https://a.example", jwks="https://a.example/keys", audience="chat"),
        {"issuer": "https://a.example", "audience": ["chat"], "jwks": "https://a.example/keys"},
    ),
}


@pytest.mark.parametrize(("options", "expected"), TABLES.values(), ids=TABLES)
def test_each_provider_has_its_table(options: IssuerOptions, expected: dict[str, object]) -> None:
    assert jwt_table(options) == {**expected, "algorithms": ["RS256"]}


def test_without_options_there_is_no_table() -> None:
    assert jwt_table(IssuerOptions()) is None


REFUSED = {
    "two providers": (IssuerOptions(cognito="eu-west-1_A", auth0="a.example"), "--cognito, --auth0: expected one"),
    "cognito without client": (
        IssuerOptions(cognito="eu-west-1_A"),
        "--client: this option is required",
    ),
    "auth0 without audience": (IssuerOptions(auth0="a.example"), "--audience: this option is required"),
    "client without cognito": (IssuerOptions(client="x"), "--client: expected --cognito"),
    "audience alone": (IssuerOptions(audience="x"), "--audience: expected --auth0 or --issuer"),
    "keys alone": (IssuerOptions(jwks="https://a.example/keys"), "--jwks: expected --issuer"),
    "no pool": (IssuerOptions(cognito="AbC123", client="x"), "--cognito: expected a user pool ID"),
    "no domain": (IssuerOptions(auth0="a/b", audience="x"), "--auth0: expected a domain"),
    "http": (IssuerOptions(issuer="http://a.example", audience="x"), "--issuer: jwks: use an https:// URL"),
    "file": (IssuerOptions(issuer="https://a.example", audience="x", jwks="http://b/k"), "--issuer: jwks: use"),
    "placeholder": (IssuerOptions(issuer="https://a/{tenantid}", audience="x"), "--issuer: found a placeholder"),
    "control character": (
        IssuerOptions(issuer="https://a.example", jwks="https://a.example/keys", audience="a\x7fb"),
        "--issuer: found a control character",
    ),
    "empty": (IssuerOptions(auth0="a.example", audience=""), "--auth0: String should have at least 1 character"),
}


@pytest.mark.parametrize(("options", "expected"), REFUSED.values(), ids=REFUSED)
def test_options_that_do_not_go_together_are_refused_by_name(options: IssuerOptions, expected: str) -> None:
    assert refusal(options).startswith(expected)


def refusal(options: IssuerOptions) -> str:
    with pytest.raises(typer.BadParameter) as caught:
        jwt_table(options)
    return f"{caught.value.param_hint}: {caught.value.message}"


@contextmanager
def provider(answer: str, status: int = 200) -> Iterator[str]:
    """The URL of a provider whose OpenID configuration is this, with its own URL for each `URL`."""

    class Provider(Handler):
        def do_GET(self) -> None:  # noqa: N802
            body = answer.replace("URL", f"http://{self.headers['Host']}").encode()
            self.send_response(status if self.path == "/.well-known/openid-configuration" else 404)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Location", "https://elsewhere.example/")
            self.end_headers()
            self.wfile.write(body)

    with serving(HttpServer(Provider)) as server:
        yield server.url


def configuration(**keys: object) -> str:
    return json.dumps({"issuer": "URL", "jwks_uri": "URL/keys", **keys})


def test_the_keys_of_any_other_provider_are_where_its_openid_configuration_says() -> None:
    with provider(configuration()) as url:
        table = jwt_table(IssuerOptions(issuer=url, audience="chat"))
    assert table is not None
    assert table["jwks"] == f"{url}/keys"


ANSWERS = {
    "another issuer": (configuration(issuer="https://other.example"), 200, "names the issuer 'https://other.example'"),
    "no keys": ('{"issuer": "URL"}', 200, "expected JSON with issuer and jwks_uri"),
    "a page": ("<html>", 200, "expected JSON with issuer and jwks_uri"),
    "a list": ("[]", 200, "expected JSON with issuer and jwks_uri"),
    "nested": ("[" * 100_000, 200, "expected JSON with issuer and jwks_uri"),
    "missing": ("", 404, "expected status 200, found 404"),
    "redirected": ("", 301, "redirected (301) to https://elsewhere.example/: correct --issuer"),
}


@pytest.mark.parametrize(("answer", "status", "expected"), ANSWERS.values(), ids=ANSWERS)
def test_another_answer_is_refused_with_what_to_do(answer: str, status: int, expected: str) -> None:
    with provider(answer, status) as url:
        found = refusal(IssuerOptions(issuer=url, audience="chat"))
    assert found.startswith(f"--issuer: {url}/.well-known/openid-configuration")
    assert expected in found
    assert "give the URL of its keys with --jwks" in found


@pytest.mark.parametrize("keys", ["http://elsewhere.example/keys", "keys.json", 5])
def test_keys_that_anyone_could_replace_are_refused(keys: object) -> None:
    with provider(configuration(jwks_uri=keys)) as url:
        assert refusal(IssuerOptions(issuer=url, audience="chat")).startswith("--issuer: ")
