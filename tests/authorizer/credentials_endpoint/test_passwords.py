"""Clients with a password of the table: what the answer tells a guesser, and the authorizer's counters."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from iot_authorizer import Reason
from iot_authorizer.credentials_answer import CredentialsAnswer
from iot_identities.revocations import Kind, Revocation
from iot_identities.user import StoredPassword
from tests.authorizer.conftest import Start
from tests.authorizer.credentials_endpoint.endpoint import Endpoint, request, start
from tests.authorizer.events import with_password
from tests.authorizer.tables import QUICK, Identities, stored

TABLES = ("[passwords]\n", "[guessing]\nlock_after = 2\n")
NOW = int(time.time())


@pytest.fixture
def with_table(tmp_path: Path, identities: Identities) -> Endpoint:
    """An endpoint with a table of identities. The template allows each user one client ID."""
    policy = '[[grant]]\nconnect = ["{principal}"]\n'
    return start(tmp_path, *TABLES, policy=policy, environment={"AUTHORIZER__TABLE": "identities"})


def sign_in(name: str, password: str) -> dict[str, object]:
    return request(body={"username": name, "password": password, "clientId": name})


def revoked(identities: Identities) -> None:
    identities.add("ann", "right")
    identities.revoke(Revocation(Kind.PRINCIPAL, NOW, principal="ann"))


REFUSED: dict[str, tuple[Callable[[Identities], None], str, Reason]] = {
    "wrong": (lambda table: table.add("ann", "right"), "wrong", Reason.WRONG_PASSWORD),
    "disabled": (lambda table: table.add("ann", "right", disabled=True), "right", Reason.USER_DISABLED),
    "ended": (lambda table: table.add("ann", "right", valid_until=NOW - 60), "right", Reason.USER_EXPIRED),
    "expired": (
        lambda table: table.add("ann", stored("right", expires_at=NOW - 60)),
        "right",
        Reason.PASSWORD_EXPIRED,
    ),
    "revoked": (revoked, "right", Reason.PRINCIPAL_REVOKED),
}


@pytest.fixture
def unknown(with_table: Endpoint) -> CredentialsAnswer:
    """The answer to a user that does not exist."""
    return with_table(sign_in("bob", "any")).answer


@pytest.mark.parametrize(("add", "password", "reason"), REFUSED.values(), ids=REFUSED)
def test_the_answer_to_a_refused_password_does_not_tell_why(
    with_table: Endpoint,
    identities: Identities,
    unknown: CredentialsAnswer,
    add: Callable[[Identities], None],
    password: str,
    reason: Reason,
) -> None:
    add(identities)
    outcome = with_table(sign_in("ann", password))
    assert outcome.answer == unknown
    assert outcome.decision["reason"] == reason


def test_wrong_passwords_at_one_of_both_lock_both(
    with_table: Endpoint, identities: Identities, unknown: CredentialsAnswer, started: Start
) -> None:
    identities.add("ann", "right")
    authorizer = started(*TABLES)
    with_table(sign_in("ann", "wrong"))
    assert authorizer(with_password("ann", b"wrong")).lines[-1]["reason"] == Reason.WRONG_PASSWORD
    assert authorizer(with_password("ann", b"right")).lines[-1]["reason"] == Reason.LOCKED
    outcome = with_table(sign_in("ann", "right"))
    assert (outcome.answer, outcome.decision["reason"]) == (unknown, Reason.LOCKED)


def test_a_client_that_signed_in_here_is_known_to_the_authorizer(
    with_table: Endpoint, identities: Identities, started: Start
) -> None:
    identities.add("ann", StoredPassword(QUICK.hash("right"), created_at=NOW - 60))
    with_table(request(body={"username": "ann", "password": "right"}))
    authorizer = started(*TABLES)
    for _ in range(3):
        authorizer(with_password("ann", b"wrong", client_id="stranger"))
    assert authorizer(with_password("ann", b"right", client_id="ann")).lines[-1]["decision"] == "allowed"
