"""Principals and tokens that are revoked, by the table of identities."""

import time
from dataclasses import replace
from pathlib import Path

import pytest

from iot_authorizer import Reason, Refusal, development
from iot_authorizer.clock import Clock
from iot_authorizer.stored_identities import CachedItems, Lookups, StoredIdentities
from iot_authorizer.verified_principal import VerifiedPrincipal
from iot_identities.revocations import Kind, Revocation, principal_id
from iot_policies import Principal
from tests.authorizer.conftest import Start
from tests.authorizer.events import anonymous, bearer, with_password
from tests.authorizer.handlers import Running, jwt_table, table
from tests.authorizer.tables import QUICK, Identities
from tests.authorizer.tokens import ISSUER, mint

NOW = int(time.time())
UNCACHED = '[revocation]\ncache_for = "0s"\n'


@pytest.fixture
def authorizer(started: Start) -> Running:
    return started(jwt_table(), table("[anonymous]", principal="nobody"), UNCACHED)


def test_an_anonymous_principal_can_be_revoked(authorizer: Running, identities: Identities) -> None:
    identities.revoke(Revocation(Kind.PRINCIPAL, NOW, principal="nobody"))
    assert authorizer.verdict(anonymous("nobody")) == Reason.PRINCIPAL_REVOKED


def test_a_principal_in_a_password_file_can_be_revoked(started: Start, identities: Identities, tmp_path: Path) -> None:
    (tmp_path / "users.toml").write_text(table("[users.ann]", hash=QUICK.hash("correct horse")))
    authorizer = started(table("[passwords]", file="users.toml"), UNCACHED)
    identities.revoke(Revocation(Kind.PRINCIPAL, NOW, principal="ann"))
    assert authorizer.verdict(with_password("ann", b"correct horse")) == Reason.PRINCIPAL_REVOKED


ANN = Revocation(Kind.PRINCIPAL, NOW, principal="ann")
ANNS_TOKENS = Revocation(Kind.PRINCIPAL, NOW, principal="ann", issued_before=NOW)
TOKEN = Revocation(Kind.TOKEN, NOW, issuer=ISSUER, token_id="1")
ALL_TOKENS = Revocation(Kind.BEFORE, NOW, issued_before=NOW)
OTHER = "https://other.example/"
VERDICTS: dict[str, tuple[Revocation, dict[str, object], str]] = {
    "a principal": (ANN, {}, Reason.PRINCIPAL_REVOKED),
    "another principal": (ANN, {"sub": "bob"}, "allowed"),
    "a principal until now": (replace(ANN, expires_at=NOW - 1), {}, "allowed"),
    "a principal's tokens issued before": (ANNS_TOKENS, {"iat": NOW - 1}, Reason.PRINCIPAL_REVOKED),
    "a principal's tokens issued since": (ANNS_TOKENS, {"iat": NOW}, "allowed"),
    "a token": (TOKEN, {"jti": "1"}, Reason.TOKEN_REVOKED),
    "another token": (TOKEN, {"jti": "2"}, "allowed"),
    "another issuer's token of that id": (replace(TOKEN, issuer=OTHER), {"jti": "1"}, "allowed"),
    "tokens issued before": (ALL_TOKENS, {"iat": NOW - 1}, Reason.ISSUED_BEFORE_REVOCATION),
    "tokens issued since": (ALL_TOKENS, {"iat": NOW}, "allowed"),
    "tokens without a time": (replace(ALL_TOKENS, issued_before=1), {"iat": ...}, Reason.ISSUED_BEFORE_REVOCATION),
    "an issuer's tokens": (replace(ALL_TOKENS, issuer=ISSUER), {"iat": NOW - 1}, Reason.ISSUED_BEFORE_REVOCATION),
    "an issuer's tokens issued since": (replace(ALL_TOKENS, issuer=ISSUER), {"iat": NOW}, "allowed"),
    "another issuer's tokens": (replace(ALL_TOKENS, issuer=OTHER, issued_before=NOW + 60), {}, "allowed"),
}


@pytest.mark.parametrize(("revocation", "claims", "verdict"), VERDICTS.values(), ids=VERDICTS)
def test_only_what_is_revoked_is_refused(
    authorizer: Running, identities: Identities, revocation: Revocation, claims: dict[str, object], verdict: str
) -> None:
    identities.revoke(revocation)
    assert authorizer.verdict(bearer(mint(**claims))) == verdict


def test_a_revocation_that_can_not_be_read_refuses(authorizer: Running, identities: Identities) -> None:
    identities.table.write({"id": principal_id("ann"), "kind": "principle"})
    assert authorizer.verdict(bearer(mint())) == Reason.MALFORMED_ITEM


@pytest.fixture
def broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file of the table is not a table."""
    path = tmp_path / "broken.sqlite"
    path.touch(mode=0o600)
    path.write_text("not a database, and long enough to be seen as none" * 100)
    monkeypatch.setenv(development.TABLE, str(path))


def test_while_the_table_does_not_answer_no_client_is_allowed_and_the_log_says_why(
    started: Start, broken: None
) -> None:
    line = started(jwt_table())(bearer(mint())).decision
    assert (line["reason"], "not a database" in str(line["detail"])) == (Reason.TABLE_UNAVAILABLE, True)


def test_or_every_client_is_if_so_configured_and_the_log_and_the_metrics_say_so(started: Start, broken: None) -> None:
    outcome = started(jwt_table(), '[revocation]\nwhen_unavailable = "allow"\n')(bearer(mint()))
    assert (outcome.verdict, "unchecked" in outcome.decision, "Unchecked" in outcome.counted) == ("allowed", True, True)


def test_but_no_client_that_is_known_to_be_revoked(identities: Identities) -> None:
    identities.revoke(Revocation(Kind.PRINCIPAL, NOW, principal="ann"))
    table = identities.failing(answers=1)
    found = StoredIdentities(table, Lookups(cache_for=300, when_unavailable_allow=True))
    for token_id in ("1", "2"):
        with pytest.raises(Refusal, match=Reason.PRINCIPAL_REVOKED):
            found.check(VerifiedPrincipal(Principal("ann", {}), ISSUER, token_id=token_id))


@pytest.mark.parametrize("code", ["AccessDeniedException", "ResourceNotFoundException", "ValidationException"])
def test_and_no_client_is_allowed_if_the_table_is_wrongly_configured(identities: Identities, code: str) -> None:
    table = identities.failing()
    table.code = code
    found = StoredIdentities(table, Lookups(when_unavailable_allow=True))
    with pytest.raises(Refusal, match=Reason.TABLE_UNAVAILABLE):
        found.check(VerifiedPrincipal(Principal("ann", {})))


def test_but_no_client_with_stored_claims(started: Start, broken: None) -> None:
    authorizer = started(jwt_table(stored_claims=True), '[revocation]\nwhen_unavailable = "allow"\n')
    assert authorizer.verdict(bearer(mint())) == Reason.TABLE_UNAVAILABLE


def test_an_answer_is_cached(started: Start, identities: Identities) -> None:
    authorizer = started(jwt_table(), '[revocation]\ncache_for = "5m"\n')
    authorizer.verdict(bearer(mint()))
    identities.revoke(Revocation(Kind.PRINCIPAL, NOW, principal="ann"))
    assert authorizer.verdict(bearer(mint())) == "allowed"


def test_no_longer_than_that(identities: Identities) -> None:
    seconds = [0.0]
    cached = CachedItems(identities.table, keep=300, clock=Clock(lambda: seconds[0], lambda: seconds[0]))
    cached.read([principal_id("ann")])
    identities.revoke(Revocation(Kind.PRINCIPAL, NOW, principal="ann"))
    seconds[0] = 299
    assert cached.read([principal_id("ann")]) == {}
    seconds[0] = 300
    assert list(cached.read([principal_id("ann")])) == [principal_id("ann")]


def test_the_number_of_cached_answers_is_limited(identities: Identities) -> None:
    cached = CachedItems(identities.table, keep=300)
    for hundred in range(101):
        cached.read([f"user#{hundred}-{number}" for number in range(100)])
    assert len(cached) <= 10_000
