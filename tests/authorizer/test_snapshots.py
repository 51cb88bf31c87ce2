"""Execution environments that start from one snapshot (SnapStart): what they share is as old as the snapshot."""

import random
from pathlib import Path

import pytest

from iot_authorizer import Refusal
from iot_authorizer.clock import Clock
from iot_authorizer.stored_identities import Lookups, StoredIdentities
from iot_authorizer.verified_principal import VerifiedPrincipal
from iot_identities.revocations import Kind, Revocation
from iot_policies import Principal
from tests.authorizer.credentials_endpoint.endpoint import request
from tests.authorizer.credentials_endpoint.endpoint import start as start_endpoint
from tests.authorizer.events import bearer
from tests.authorizer.handlers import start
from tests.authorizer.tables import NOW, Identities
from tests.authorizer.tokens import mint

HOUR = 3600


def test_they_do_not_draw_the_same_random_numbers(tmp_path: Path) -> None:
    before = random.getstate()

    def restored() -> tuple[float, ...]:
        running = start(tmp_path)
        random.setstate(before)
        running(bearer(mint()))
        return tuple(random.random() for _ in range(3))

    assert restored() != restored()


def test_environments_of_the_credentials_endpoint_do_not_draw_the_same_either(tmp_path: Path) -> None:
    before = random.getstate()

    def restored() -> float:
        endpoint = start_endpoint(tmp_path)
        random.setstate(before)
        endpoint(request())
        return random.random()

    assert restored() != restored()


def test_only_the_first_event_seeds_random_numbers(tmp_path: Path) -> None:
    running = start(tmp_path)
    running(bearer(mint()))
    random.seed(1)
    running(bearer(mint()))
    after = random.getstate()
    random.seed(1)
    assert after == random.getstate()


@pytest.mark.parametrize("uptime", [0, 10 * HOUR, 1000 * HOUR], ids=["smaller", "the same", "larger"])
def test_what_was_cached_before_the_snapshot_has_expired(tmp_path: Path, uptime: float) -> None:
    """The monotonic clock of the machine that restores it can show anything."""
    identities = Identities(tmp_path / "identities.sqlite")
    monotonic = [10.0 * HOUR]
    clock = Clock(lambda: identities.now, lambda: monotonic[0])
    stored = StoredIdentities(identities.table, Lookups(cache_for=300), clock)
    ann = VerifiedPrincipal(Principal("ann", {}))
    stored.check(ann)
    identities.revoke(Revocation(Kind.PRINCIPAL, NOW, principal="ann"))
    identities.now += HOUR
    monotonic[0] = uptime
    with pytest.raises(Refusal):
        stored.check(ann)
