"""Principals and tokens that are revoked, by the table of identities."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from iot_authorizer import Reason, Refusal, development
from iot_authorizer.stored_identities import CachedItems, Lookups, StoredIdentities
from iot_authorizer.verified_principal import VerifiedPrincipal
from iot_identities.revocations import Kind, Revocation, principal_id
from iot_policies import Principal
from tests.authorizer.events import anonymous, bearer, with_password
from tests.authorizer.handlers import Running, jwt_table, start, table
from tests.authorizer.tables import QUICK, Identities
from tests.authorizer.tokens import ISSUER, mint

NOW = int(time.time())
UNCACHED = '[revocation]\ncache_for = "0s"\n'
Start = Callable[..., Running]


@pytest.fixture
def identities(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Identities:
    path = tmp_path / "identities.sqlite"
    monkeypatch.setenv(development.TABLE, str(path))
    return Identities(path, now=NOW)


@pytest.fixture
def started(tmp_path: Path, identities: Identities) -> Start:
    """Starts an authorizer with the table."""

    def started(*tables: str) -> Running:
        return start(tmp_path, *tables, environment={"AUTHORIZER__TABLE": "identities"})

    return started


@pytest.fixture
def authorizer(started: Start) -> Running:
    return started(jwt_table(), table("[anonymous]", principal="nobody"), UNCACHED)


def test_a_principal_that_is_not_revoked_is_allowed(authorizer: Running) -> None:
    assert authorizer.verdict(bearer(mint(jti="1"))) == "allowed"


def test_a_revoked_principals_token_is_refused(authorizer: Running, identities: Identities) -> None:
    identities.revoke(Revocation(Kind.PRINCIPAL, NOW, principal="ann"))
    assert authorizer.verdict(bearer(mint())) == Reason.PRINCIPAL_REVOKED


def test_other_principals_are_not_concerned(authorizer: Running, identities: Identities) -> None:
    identities.revoke(Revocation(Kind.PRINCIPAL, NOW, principal="ann"))
    assert authorizer.verdict(bearer(mint(sub="bob"))) == "allowed"


def test_an_anonymous_principal_can_be_revoked(authorizer: Running, identities: Identities) -> None:
    identities.revoke(Revocation(Kind.PRINCIPAL, NOW, principal="nobody"))
    assert authorizer.verdict(anonymous("nobody")) == Reason.PRINCIPAL_REVOKED


def test_a_principal_in_a_password_file_can_be_revoked(started: Start, identities: Identities, tmp_path: Path) -> None:
    (tmp_path / "users.toml").write_text(table("[users.ann]", hash=QUICK.hash("correct horse")))
    authorizer = started(table("[passwords]", file="users.toml"), UNCACHED)
    identities.revoke(Revocation(Kind.PRINCIPAL, NOW, principal="ann"))
    assert authorizer.verdict(with_password("ann", b"correct horse")) == Reason.PRINCIPAL_REVOKED


def test_tokens_of_a_principal_issued_before_a_time_are_refused(authorizer: Running, identities: Identities) -> None:
    identities.revoke(Revocation(Kind.PRINCIPAL, NOW, principal="ann", issued_before=NOW))
    verdicts = [authorizer.verdict(bearer(mint(iat=issued_at))) for issued_at in (NOW - 1, NOW)]
    assert verdicts == [Reason.PRINCIPAL_REVOKED, "allowed"]


def test_a_revoked_token_is_refused(authorizer: Running, identities: Identities) -> None:
    identities.revoke(Revocation(Kind.TOKEN, NOW, issuer=ISSUER, token_id="1"))
    assert authorizer.verdict(bearer(mint(jti="1"))) == Reason.TOKEN_REVOKED


def test_another_token_of_the_principal_is_allowed(authorizer: Running, identities: Identities) -> None:
    identities.revoke(Revocation(Kind.TOKEN, NOW, issuer=ISSUER, token_id="1"))
    assert authorizer.verdict(bearer(mint(jti="2"))) == "allowed"


def test_another_issuers_token_with_that_id_is_allowed(authorizer: Running, identities: Identities) -> None:
    identities.revoke(Revocation(Kind.TOKEN, NOW, issuer="https://other.example/", token_id="1"))
    assert authorizer.verdict(bearer(mint(jti="1"))) == "allowed"


@pytest.mark.parametrize("issuer", [None, ISSUER])
@pytest.mark.parametrize(("seconds_before", "verdict"), [(1, Reason.ISSUED_BEFORE_REVOCATION), (0, "allowed")])
def test_tokens_issued_before_a_revocation_are_refused(
    authorizer: Running, identities: Identities, issuer: str | None, seconds_before: int, verdict: str
) -> None:
    identities.revoke(Revocation(Kind.BEFORE, NOW, issuer=issuer, issued_before=NOW))
    assert authorizer.verdict(bearer(mint(iat=NOW - seconds_before))) == verdict


def test_a_token_that_does_not_say_when_it_was_issued_is_refused_then(
    authorizer: Running, identities: Identities
) -> None:
    identities.revoke(Revocation(Kind.BEFORE, NOW, issued_before=1))
    assert authorizer.verdict(bearer(mint(iat=...))) == Reason.ISSUED_BEFORE_REVOCATION


def test_a_revocation_of_another_issuers_tokens_does_not_matter(authorizer: Running, identities: Identities) -> None:
    identities.revoke(Revocation(Kind.BEFORE, NOW, issuer="https://other.example/", issued_before=NOW + 60))
    assert authorizer.verdict(bearer(mint())) == "allowed"


def test_a_revocation_ends(authorizer: Running, identities: Identities) -> None:
    identities.revoke(Revocation(Kind.PRINCIPAL, NOW - 60, principal="ann", expires_at=NOW - 1))
    assert authorizer.verdict(bearer(mint())) == "allowed"


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


def test_while_the_table_does_not_answer_no_client_is_allowed(started: Start, broken: None) -> None:
    assert started(jwt_table()).verdict(bearer(mint())) == Reason.TABLE_UNAVAILABLE


def test_or_everybody_is_if_so_configured(started: Start, broken: None) -> None:
    authorizer = started(jwt_table(), '[revocation]\nwhen_unavailable = "allow"\n')
    assert authorizer.verdict(bearer(mint())) == "allowed"


def test_the_log_and_the_metrics_say_that_the_table_was_not_asked(started: Start, broken: None) -> None:
    outcome = started(jwt_table(), '[revocation]\nwhen_unavailable = "allow"\n')(bearer(mint()))
    assert ("unchecked" in outcome.decision, "Unchecked" in outcome.counted) == (True, True)


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


def test_the_log_says_why_the_table_did_not_answer(started: Start, broken: None) -> None:
    assert "not a database" in str(started(jwt_table())(bearer(mint())).decision["detail"])


def test_an_answer_is_cached(started: Start, identities: Identities) -> None:
    authorizer = started(jwt_table(), '[revocation]\ncache_for = "5m"\n')
    authorizer.verdict(bearer(mint()))
    identities.revoke(Revocation(Kind.PRINCIPAL, NOW, principal="ann"))
    assert authorizer.verdict(bearer(mint())) == "allowed"


def test_no_longer_than_that(identities: Identities) -> None:
    seconds = [0.0]
    cached = CachedItems(identities.table, keep=300, timer=lambda: seconds[0])
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
