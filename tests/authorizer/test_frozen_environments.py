"""Caches in an execution environment that runs for 20 ms a minute and is frozen between: its monotonic clock stops."""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import pytest
from jwt import PyJWK

from iot_authorizer import Credentials, CredentialSource, Reason, Refusal
from iot_authorizer.cached import Cached, Caching, FetchError
from iot_authorizer.clock import Clock, Moment
from iot_authorizer.jwks import RemoteKeys
from iot_authorizer.keys import KeySet
from iot_authorizer.stored_identities import Lookups, StoredIdentities
from iot_authorizer.table_passwords import TablePasswords
from iot_authorizer.verified_principal import VerifiedPrincipal
from iot_identities.revocations import Kind, Revocation
from iot_policies import Principal
from tests.authorizer.conftest import Start
from tests.authorizer.events import bearer
from tests.authorizer.handlers import jwt_table, start
from tests.authorizer.key_server import key_server
from tests.authorizer.keys import signing_key
from tests.authorizer.tables import NOW, QUICK, Identities
from tests.authorizer.tokens import ISSUER, mint

MINUTE, DAY = 60, 86_400
CACHING = Caching(max_age=10 * MINUTE, max_stale=DAY)
OLD, NEW = signing_key("ES256", "old"), signing_key("ES256", "new")
SECRETS = {"old": "b2xk" * 11, "new": "bmV3" * 11}

Verify = Callable[[], object]
"""Raises Refusal."""


@dataclass
class Environment:
    """An execution environment with a table, an issuer, and the clocks of its machine."""

    folder: Path
    identities: Identities = field(init=False)
    monotonic: float = 0
    """The monotonic clock, in seconds."""
    issuer: str | None = "old"
    """Which key the issuer answers; None for no answer."""

    def __post_init__(self) -> None:
        self.identities = Identities(self.folder / "identities.sqlite")
        self.clock = Clock(lambda: self.identities.now, lambda: self.monotonic)

    def allows(self, verify: Verify) -> bool:
        """Whether an invocation allows a client. Afterwards the environment is frozen for a minute."""
        try:
            verify()
        except Refusal:
            return False
        finally:
            self.identities.now += MINUTE
            self.monotonic += 0.02
        return True

    def answer(self) -> str:
        """Which key the issuer answers. Raises FetchError."""
        if self.issuer is None:
            raise FetchError("no answer")
        return self.issuer

    def looks_up(self, *stored_claims: str) -> Verify:
        lookups = Lookups(cache_for=5 * MINUTE, stored_claims=stored_claims)
        stored = StoredIdentities(self.identities.table, lookups, self.clock)
        return lambda: stored.check(VerifiedPrincipal(Principal("ann", {}), ISSUER))

    def revocations(self) -> Verify:
        return self.looks_up()

    def users(self) -> Verify:
        return self.looks_up(ISSUER)

    def key_set(self) -> Verify:
        keys = {"old": OLD.jwk(), "new": NEW.jwk()}
        remote = RemoteKeys(Cached(lambda: KeySet([keys[self.answer()]]), caching=CACHING, clock=self.clock))
        return lambda: remote.find(OLD.key_id, "ES256")

    def secret(self) -> Verify:
        def fetch() -> PyJWK:
            return PyJWK({"kty": "oct", "k": SECRETS[self.answer()]}, "HS256")

        cached, old = Cached(fetch, caching=CACHING, clock=self.clock), fetch().key

        def verify() -> None:
            if cached.get().key != old:
                raise Refusal(Reason.BAD_SIGNATURE)

        return verify

    def revoke(self) -> None:
        self.identities.revoke(Revocation(Kind.PRINCIPAL, NOW, principal="ann"))

    def disable(self) -> None:
        self.identities.add("ann", disabled=True)

    def withdraw(self) -> None:
        self.issuer = "new"

    def stop_answering(self) -> None:
        self.issuer = None


Change = Callable[[Environment], None]
BOUNDS: dict[str, tuple[Callable[[Environment], Verify], Change, int]] = {
    "a revocation, within cache_for": (Environment.revocations, Environment.revoke, 5),
    "a disabled user, within cache_for": (Environment.users, Environment.disable, 5),
    "a withdrawn key, within max_age": (Environment.key_set, Environment.withdraw, 10),
    "a withdrawn secret, within max_age": (Environment.secret, Environment.withdraw, 10),
    "an unreachable JWKS, past max_stale": (Environment.key_set, Environment.stop_answering, DAY // MINUTE + 1),
    "an unreachable secret, past max_stale": (Environment.secret, Environment.stop_answering, DAY // MINUTE + 1),
}


@pytest.mark.parametrize(("cache", "change", "minutes"), BOUNDS.values(), ids=BOUNDS)
def test_what_has_changed_takes_effect_in_time(
    tmp_path: Path, cache: Callable[[Environment], Verify], change: Change, minutes: int
) -> None:
    environment = Environment(tmp_path)
    verify = cache(environment)
    assert environment.allows(verify)
    change(environment)
    assert next(minute for minute in count(1) if not environment.allows(verify)) == minutes


@pytest.fixture
def pass_time(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Freezes this process for some seconds, as a configured authorizer sees it."""
    seconds = [0.0]
    monkeypatch.setattr(Clock, "now", lambda _: Moment(NOW + seconds[0], 0))

    def pass_time(more: float) -> None:
        seconds[0] += more

    return pass_time


def test_a_configured_authorizer_learns_of_a_revocation_in_time(
    started: Start, identities: Identities, pass_time: Callable[[float], None]
) -> None:
    authorizer = started(jwt_table(), '[revocation]\ncache_for = "5m"\n')
    authorizer.verdict(bearer(mint()))
    identities.revoke(Revocation(Kind.PRINCIPAL, NOW, principal="ann"))
    verdicts = []
    for seconds in (299, 1):
        pass_time(seconds)
        verdicts.append(authorizer.verdict(bearer(mint())))
    assert verdicts == ["allowed", Reason.PRINCIPAL_REVOKED]


def test_a_configured_authorizer_fetches_keys_again_in_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pass_time: Callable[[float], None]
) -> None:
    monkeypatch.setattr("iot_authorizer.jwks.TIMEOUT", 60)  # This machine may be busy.
    with key_server() as server:
        authorizer = start(tmp_path, jwt_table(jwks=server.url, max_age="10m"))
        for seconds in (0, 599, 1):
            pass_time(seconds)
            authorizer.verdict(bearer(mint()))
        assert len(server.paths) == 2


@pytest.mark.parametrize("cache", [Environment.key_set, Environment.secret], ids=["a JWKS", "a secret"])
def test_what_could_not_be_fetched_is_tried_again_by_the_next_invocation(
    tmp_path: Path, cache: Callable[[Environment], Verify]
) -> None:
    environment = Environment(tmp_path)
    verify = cache(environment)
    environment.stop_answering()
    assert not environment.allows(verify)
    environment.issuer = "old"
    assert environment.allows(verify)


def try_password(passwords: TablePasswords, password: bytes, client_id: str) -> bool:
    credentials = Credentials(CredentialSource.PASSWORD, user_name="ann", password=password, client_id=client_id)
    try:
        passwords.verify(credentials)
    except Refusal:
        return False
    return True


@pytest.mark.parametrize(("days", "known"), [(29, True), (31, False)])
def test_a_client_id_is_known_for_30_days(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, days: int, known: bool
) -> None:
    monkeypatch.setattr("iot_authorizer.table_passwords.hash_password", QUICK.hash)
    identities = Identities(tmp_path / "identities.sqlite")
    identities.add("ann", "right")
    passwords = identities.passwords()
    assert try_password(passwords, b"right", "ann/phone")
    identities.now += days * DAY
    for number in range(10):
        try_password(passwords, b"wrong", f"stranger-{number}")
    assert try_password(passwords, b"right", "ann/phone") is known
