"""Claims from the table of identities."""

import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from iot_authorizer import Reason, development
from iot_authorizer_cli.project.development_issuer import DevelopmentIssuer
from tests.authorizer.events import bearer
from tests.authorizer.handlers import Running, jwt_table, start
from tests.authorizer.tables import NOW, Identities
from tests.authorizer.tokens import mint


@pytest.fixture
def identities(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Identities:
    path = tmp_path / "identities.sqlite"
    monkeypatch.setenv(development.TABLE, str(path))
    return Identities(path)


def started(folder: Path, *, stored_claims: bool) -> Running:
    uncached = '[revocation]\ncache_for = "0s"\n'
    tables = (jwt_table(stored_claims=stored_claims), uncached)
    return start(folder, *tables, environment={"AUTHORIZER__TABLE": "identities"})


@pytest.fixture
def authorizer(tmp_path: Path, identities: Identities) -> Running:
    return started(tmp_path, stored_claims=True)


def policy(running: Running, **claims: object) -> str:
    return str(running(bearer(mint(**claims))).answer["policyDocuments"])


ROOMS: Mapping[str, object] = {"rooms": ["stored"]}


def test_stored_claims_join_the_tokens(authorizer: Running, identities: Identities) -> None:
    identities.add("ann", claims=ROOMS)
    assert "rooms/stored/say" in policy(authorizer)


def test_the_stored_ones_win(authorizer: Running, identities: Identities) -> None:
    identities.add("ann", claims=ROOMS)
    found = policy(authorizer, rooms=["own"])
    assert ("rooms/stored/say" in found, "rooms/own/say" in found) == (True, False)


def test_an_empty_list_takes_all_away(authorizer: Running, identities: Identities) -> None:
    identities.add("ann", claims={"rooms": []})
    assert "rooms/" not in policy(authorizer, rooms=["own"])


def test_a_principal_that_is_not_stored_keeps_the_tokens(authorizer: Running) -> None:
    assert "rooms/own/say" in policy(authorizer, rooms=["own"])


def test_they_take_effect_with_the_same_token(authorizer: Running, identities: Identities) -> None:
    token = mint(rooms=["own"])
    authorizer(bearer(token))
    identities.add("ann", claims=ROOMS)
    assert "rooms/stored/say" in str(authorizer(bearer(token)).answer["policyDocuments"])


def test_they_are_off_unless_the_issuer_is_to_take_them(tmp_path: Path, identities: Identities) -> None:
    identities.add("ann", claims=ROOMS)
    assert "rooms/stored/say" not in policy(started(tmp_path, stored_claims=False))


def test_a_disabled_user_is_refused_with_a_token_too(authorizer: Running, identities: Identities) -> None:
    identities.add("ann", disabled=True)
    assert authorizer.verdict(bearer(mint())) == Reason.USER_DISABLED


def test_an_expired_user_is_refused_with_a_token_too(authorizer: Running, identities: Identities) -> None:
    identities.add("ann", valid_until=NOW - 10**9)
    assert authorizer.verdict(bearer(mint())) == Reason.USER_EXPIRED


def test_a_session_ends_with_the_user_though_the_token_lives_on(authorizer: Running, identities: Identities) -> None:
    now = time.time()
    identities.add("ann", valid_until=int(now) + 1000)
    ends_after = authorizer(bearer(mint(exp=now + 3000))).answer["disconnectAfterInSeconds"]
    assert 900 <= ends_after <= 1000


def test_a_session_ends_with_the_token_though_the_user_lives_on(authorizer: Running, identities: Identities) -> None:
    now = time.time()
    identities.add("ann", valid_until=int(now) + 3000)
    ends_after = authorizer(bearer(mint(exp=now + 1000))).answer["disconnectAfterInSeconds"]
    assert 900 <= ends_after <= 1000


def test_a_stored_claim_names_no_other_principal(authorizer: Running, identities: Identities) -> None:
    identities.add("ann", claims={"sub": "bob"})
    assert authorizer(bearer(mint())).answer["principalId"] == "ann"


def test_unsafe_stored_claims_are_refused_as_a_tokens_are(authorizer: Running, identities: Identities) -> None:
    identities.add("ann", claims={"rooms": ["#"]})
    assert authorizer.verdict(bearer(mint())) == Reason.UNSAFE_VALUE


def test_a_malformed_item_allows_no_client(authorizer: Running, identities: Identities) -> None:
    identities.table.write({"id": "user#ann", "claims": "{"})
    assert authorizer.verdict(bearer(mint())) == Reason.MALFORMED_ITEM


@pytest.mark.parametrize("name", ["a" * 257, "\ud800"])
def test_a_principal_with_a_name_that_no_user_can_have_is_not_looked_for(authorizer: Running, name: str) -> None:
    assert authorizer.verdict(bearer(mint(sub=name))) in ("allowed", Reason.UNSAFE_VALUE)


@pytest.mark.parametrize(("stored_claims", "expected"), [(True, True), (False, False)])
def test_the_development_issuer_gets_stored_claims_if_any_issuer_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, identities: Identities, stored_claims: bool, expected: bool
) -> None:
    issuer = DevelopmentIssuer(tmp_path)
    monkeypatch.setenv(development.KEYS, str(issuer.jwks_path))
    identities.add("ann", claims=ROOMS)
    running = started(tmp_path, stored_claims=stored_claims)
    found = str(running(bearer(issuer.token("ann", {}, 3600))).answer["policyDocuments"])
    assert ("rooms/stored/say" in found) is expected
