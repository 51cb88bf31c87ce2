"""Claims from the table of identities."""

import re
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from iot_authorizer import Reason, development
from iot_authorizer_cli.project.development_issuer import DevelopmentIssuer
from tests.authorizer.conftest import Start
from tests.authorizer.events import bearer
from tests.authorizer.handlers import Running, jwt_table
from tests.authorizer.tables import NOW, Identities
from tests.authorizer.tokens import mint

UNCACHED = '[revocation]\ncache_for = "0s"\n'


@pytest.fixture
def authorizer(started: Start) -> Running:
    return started(jwt_table(stored_claims=True), UNCACHED)


ROOMS: Mapping[str, object] = {"rooms": ["stored"]}


def rooms(running: Running, token: str) -> list[str]:
    """The rooms that a token may publish to."""
    return re.findall("rooms/([a-z]+)/say", str(running(bearer(token)).answer["policyDocuments"]))


@pytest.mark.parametrize(
    ("stored", "own", "expected"),
    [
        pytest.param(ROOMS, {}, ["stored"], id="stored claims join the token's"),
        pytest.param(ROOMS, {"rooms": ["own"]}, ["stored"], id="the stored ones win"),
        pytest.param({"rooms": []}, {"rooms": ["own"]}, [], id="an empty list takes all away"),
        pytest.param(None, {"rooms": ["own"]}, ["own"], id="without stored ones the token's stay"),
    ],
)
def test_stored_claims_replace_the_tokens(
    authorizer: Running,
    identities: Identities,
    stored: Mapping[str, object] | None,
    own: dict[str, object],
    expected: list[str],
) -> None:
    if stored is not None:
        identities.add("ann", claims=stored)
    assert rooms(authorizer, mint(**own)) == expected


def test_they_take_effect_with_the_same_token(authorizer: Running, identities: Identities) -> None:
    token = mint(rooms=["own"])
    authorizer(bearer(token))
    identities.add("ann", claims=ROOMS)
    assert rooms(authorizer, token) == ["stored"]


@pytest.mark.parametrize(
    ("user", "reason"),
    [
        ({"disabled": True}, Reason.USER_DISABLED),
        ({"valid_until": NOW - 10**9}, Reason.USER_EXPIRED),
        ({"claims": {"rooms": ["#"]}}, Reason.UNSAFE_VALUE),
    ],
    ids=["disabled", "expired", "with unsafe claims"],
)
def test_a_stored_user_is_refused_with_a_token_too(
    authorizer: Running, identities: Identities, user: dict[str, object], reason: Reason
) -> None:
    identities.add("ann", **user)
    assert authorizer.verdict(bearer(mint())) == reason


@pytest.mark.parametrize(("of_user", "of_token"), [(1000, 3000), (3000, 1000)])
def test_a_session_ends_with_the_user_or_the_token_whichever_expires_first(
    authorizer: Running, identities: Identities, of_user: int, of_token: int
) -> None:
    now = time.time()
    identities.add("ann", valid_until=int(now) + of_user)
    ends_after = authorizer(bearer(mint(exp=now + of_token))).answer["disconnectAfterInSeconds"]
    assert 900 <= ends_after <= 1000


def test_a_stored_claim_names_no_other_principal(authorizer: Running, identities: Identities) -> None:
    identities.add("ann", claims={"sub": "bob"})
    assert authorizer(bearer(mint())).answer["principalId"] == "ann"


def test_a_malformed_item_allows_no_client(authorizer: Running, identities: Identities) -> None:
    identities.table.write({"id": "user#ann", "claims": "{"})
    assert authorizer.verdict(bearer(mint())) == Reason.MALFORMED_ITEM


@pytest.mark.parametrize("name", ["a" * 257, "\ud800"])
def test_a_principal_with_a_name_that_no_user_can_have_is_not_looked_for(authorizer: Running, name: str) -> None:
    assert authorizer.verdict(bearer(mint(sub=name))) in (Reason.INVALID_NAME, Reason.UNSAFE_VALUE)


@pytest.mark.parametrize("stored_claims", [True, False])
def test_they_are_off_unless_an_issuer_takes_them_and_then_the_development_issuer_does_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, identities: Identities, started: Start, stored_claims: bool
) -> None:
    issuer = DevelopmentIssuer(tmp_path)
    monkeypatch.setenv(development.KEYS, str(issuer.jwks_path))
    identities.add("ann", claims=ROOMS)
    running = started(jwt_table(stored_claims=stored_claims), UNCACHED)
    expected = ["stored"] if stored_claims else []
    assert [rooms(running, token) for token in (mint(), issuer.token("ann", {}, 3600))] == [expected] * 2
