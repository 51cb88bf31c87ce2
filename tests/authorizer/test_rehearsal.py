"""A rehearsal makes keys ready before the first event, and has no other effect."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from iot_authorizer import Reason
from iot_authorizer.authorizer import Authorizer
from iot_authorizer.building import build, starts_ahead
from iot_authorizer.configuration import load_configuration
from iot_authorizer.event import AuthorizerEvent
from iot_authorizer.preparing import prepare
from iot_authorizer.rehearsal import rehearse
from tests.authorizer.conftest import Start
from tests.authorizer.credentials_endpoint.endpoint import ROLE, request
from tests.authorizer.events import bearer, event
from tests.authorizer.handlers import Context, Running, jwt_table, printed, table, write
from tests.authorizer.key_server import key_server
from tests.authorizer.keys import ASYMMETRIC, Jwk, SigningKey, public_keys, signing_key
from tests.authorizer.tables import Identities
from tests.authorizer.test_fresh_interpreter import run
from tests.authorizer.tokens import mint


@pytest.mark.parametrize(
    ("kind", "ahead"),
    [("snap-start", True), ("provisioned-concurrency", True), ("on-demand", False), ("", False), (None, False)],
)
def test_an_environment_that_starts_for_a_client_does_not_rehearse(kind: str | None, ahead: bool) -> None:
    assert starts_ahead({} if kind is None else {"AWS_LAMBDA_INITIALIZATION_TYPE": kind}) is ahead


def rehearsed(folder: Path, *tables: str, keys: Sequence[SigningKey | Jwk] | None = None, name: str = "") -> Authorizer:
    """An authorizer after its rehearsal. `name`: the table of identities; empty for none."""
    path = write(folder, *tables, keys=keys)
    return rehearsed_as(path, {"AUTHORIZER__TABLE": name} if name else {})


def rehearsed_as(path: Path, environment: Mapping[str, str]) -> Authorizer:
    preparation = prepare(load_configuration(path, environment), path.parent)
    authorizer = build(preparation)
    rehearse(authorizer, preparation.issuers)
    return authorizer


def test_afterwards_each_key_of_each_file_is_ready(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = [signing_key(algorithm) for algorithm in ASYMMETRIC]
    running = Running(rehearsed(tmp_path, jwt_table(algorithms=list(ASYMMETRIC)), keys=keys))
    monkeypatch.delattr("iot_authorizer.keys.PyJWK")
    assert {running.verdict(bearer(mint(key))) for key in keys} == {"allowed"}


def test_a_key_without_an_id_is_ready_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    running = Running(rehearsed(tmp_path, jwt_table(), keys=[signing_key("RS256").jwk(kid=None)]))
    monkeypatch.delattr("iot_authorizer.keys.PyJWK")
    assert running.verdict(bearer(mint(head={"kid": ...}))) == "allowed"


def test_the_keys_of_an_issuer_that_requires_a_type_are_ready_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = Running(rehearsed(tmp_path, jwt_table(token_type="at+jwt")))
    monkeypatch.delattr("iot_authorizer.keys.PyJWK")
    assert running.verdict(bearer(mint(head={"typ": "at+jwt"}))) == "allowed"


def test_the_keys_of_each_table_of_an_issuer_are_ready(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = signing_key("RS256", "other")
    (tmp_path / "others.json").write_text(json.dumps(public_keys(other)))
    web = {"audience": None, "client_id": ["web"], "client_claim": "azp", "token_use": "access"}
    running = Running(rehearsed(tmp_path, jwt_table(), jwt_table(jwks="others.json", **web)))
    monkeypatch.delattr("iot_authorizer.keys.PyJWK")
    second = bearer(mint(other, aud=..., azp="web", token_use="access"))
    assert [running.verdict(each) for each in (bearer(mint()), second)] == ["allowed", "allowed"]


@pytest.mark.parametrize(
    "key", [{}, {"kty": "RSA", "kid": 1}, {"kty": "RSA", "kid": ["a"], "n": "", "e": "AQAB"}, "text"], ids=str
)
def test_unusable_keys_of_a_file_do_not_stop_the_function(tmp_path: Path, key: object) -> None:
    path = write(tmp_path, jwt_table())
    (tmp_path / "keys.json").write_text(json.dumps({"keys": [key, signing_key("RS256").jwk()]}))
    assert Running(rehearsed_as(path, {})).verdict(bearer(mint())) == "allowed"


def test_nothing_is_printed_fetched_or_read_from_the_table(
    tmp_path: Path, started: Start, identities: Identities, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("iot_identities.sqlite_table.SqliteTable.read", None)
    with key_server() as server, printed() as output:
        same_issuer = jwt_table(audience=["other"], jwks=server.url)
        other_issuer = jwt_table(issuer="https://other.example/", jwks=server.url)
        anonymous = table("[anonymous]", principal="guest")
        rehearsed(tmp_path, jwt_table(), same_issuer, other_issuer, anonymous, name="identities")
        assert (server.paths, output.text.strip()) == ([], "")


def test_each_rehearsed_token_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    events: list[AuthorizerEvent] = []
    monkeypatch.setattr(Authorizer, "verify", lambda _, event: events.append(event))
    authorizer = rehearsed(tmp_path, jwt_table(), keys=[signing_key("RS256"), signing_key("ES256")])
    monkeypatch.undo()
    running = Running(authorizer)
    verdicts = [running.verdict(event(headers=each.headers)) for each in events]
    assert verdicts == [Reason.BAD_SIGNATURE, Reason.KEY_TYPE_MISMATCH]


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "ready"), [("snap-start", True), ("on-demand", False)])
@pytest.mark.parametrize("handler", ["handler", "credentials_handler"])
def test_the_function_rehearses_if_lambda_starts_it_ahead(tmp_path: Path, handler: str, kind: str, ready: bool) -> None:
    config = write(tmp_path, jwt_table(), table("[credentials]", role=ROLE, endpoint="https://sts.example"))
    asked = request(token=mint()) if handler == "credentials_handler" else bearer(mint())
    program = f"""
import json, sys
from iot_authorizer import {handler}, keys
del keys.PyJWK  # From now on, no key can be prepared.
print("encodings.idna" in sys.modules, file=sys.stderr)
class Context: invoked_function_arn = "{Context().invoked_function_arn}"
{handler}.lambda_handler(json.loads(sys.argv[1]), Context())
"""
    finished = run(program, config, json.dumps(asked), AWS_LAMBDA_INITIALIZATION_TYPE=kind)
    assert finished.returncode == 0, finished.stderr
    assert (Reason.INTERNAL_ERROR not in finished.stdout) is ready
    assert finished.stderr.strip() == "True" or not ready
