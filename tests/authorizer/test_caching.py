"""Fetched keys are cached, fetched again, and used while the source is unreachable."""

import pytest

from iot_authorizer import Reason, Refusal
from iot_authorizer.cached import Cached, Caching, FetchError
from iot_authorizer.jwks import RemoteKeys
from iot_authorizer.keys import KeySet
from tests.authorizer.keys import SigningKey, signing_key

CACHING = Caching(max_age=100, max_stale=1000, pause=30)


class Source:
    """Something to fetch, at a time that the test sets."""

    def __init__(self, caching: Caching = CACHING) -> None:
        self.now = 0.0
        self.value = "first"
        self.answers = True
        self.fetches = 0
        self.told: list[bool] = []
        self.cached = Cached(self._fetch, caching=caching, clock=lambda: self.now, on_fetch=self.told.append)

    def _fetch(self) -> str:
        self.fetches += 1
        if not self.answers:
            raise FetchError("no answer")
        return self.value

    def at(self, now: float) -> str:
        """The value at a time, or why there is none."""
        self.now = now
        try:
            return self.cached.get()
        except Refusal as refusal:
            return refusal.reason


@pytest.fixture
def source() -> Source:
    return Source()


def test_nothing_is_fetched_before_it_is_asked_for(source: Source) -> None:
    assert source.fetches == 0


def test_within_its_age_a_value_is_fetched_once(source: Source) -> None:
    assert [source.at(now) for now in (0, 1, 50, 99)] == ["first"] * 4
    assert source.fetches == 1


def test_past_its_age_a_value_is_fetched_again(source: Source) -> None:
    source.at(0)
    source.value = "second"
    assert source.at(100) == "second"


def test_while_fetching_fails_the_old_value_is_served(source: Source) -> None:
    source.at(0)
    source.answers = False
    assert [source.at(now) for now in (100, 200, 999, 1000)] == ["first"] * 4


def test_a_value_that_is_too_stale_is_not_served(source: Source) -> None:
    source.at(0)
    source.answers = False
    assert source.at(1001) == Reason.KEYS_UNAVAILABLE


def test_after_a_failure_the_next_fetch_that_works_is_served(source: Source) -> None:
    source.at(0)
    source.answers = False
    source.at(1001)
    source.answers, source.value = True, "second"
    assert source.at(1031) == "second"


def test_without_any_value_there_is_none(source: Source) -> None:
    source.answers = False
    assert source.at(0) == Reason.KEYS_UNAVAILABLE


def test_after_a_failed_fetch_there_is_a_pause(source: Source) -> None:
    source.answers = False
    for now in (0, 1, 10, 29):
        source.at(now)
    assert source.fetches == 1


def test_after_the_pause_it_is_tried_again(source: Source) -> None:
    source.answers = False
    for now in (0, 30, 59, 60):
        source.at(now)
    assert source.fetches == 3


def test_during_the_pause_the_old_value_is_served(source: Source) -> None:
    source.at(0)
    source.answers = False
    assert [source.at(now) for now in (100, 101, 129)] == ["first"] * 3


@pytest.mark.parametrize("max_stale", [0, 10, 99])
def test_a_value_within_its_age_is_served_whatever_may_be_stale(max_stale: float) -> None:
    source = Source(Caching(max_age=100, max_stale=max_stale, pause=30))
    assert [source.at(now) for now in (0, 50, 99)] == ["first"] * 3


def test_without_staleness_a_value_past_its_age_is_not_served() -> None:
    source = Source(Caching(max_age=100, max_stale=0, pause=30))
    source.at(0)
    source.answers = False
    assert source.at(101) == Reason.KEYS_UNAVAILABLE


def test_the_observer_is_called_after_each_fetch(source: Source) -> None:
    source.at(0)
    source.answers = False
    source.at(100)
    source.at(110)
    assert source.told == [True, False]


def test_other_errors_than_of_fetching_are_not_swallowed() -> None:
    def broken() -> str:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        Cached(broken).get()


class Endpoint:
    """Keys behind a URL, at a time that the test sets."""

    def __init__(self, *keys: SigningKey) -> None:
        self.now = 0.0
        self.keys = keys
        self.fetches = 0
        self.remote = RemoteKeys(Cached(self._fetch, caching=CACHING, clock=lambda: self.now))

    def _fetch(self) -> KeySet:
        self.fetches += 1
        return KeySet([key.jwk() for key in self.keys])

    def finds(self, key_id: str, now: float = 0, algorithm: str = "ES256") -> bool | str:
        self.now = now
        try:
            return self.remote.find(key_id, algorithm) is not None
        except Refusal as refusal:
            return refusal.reason


OLD, NEW = signing_key("ES256"), signing_key("ES256", "new")


@pytest.fixture
def endpoint() -> Endpoint:
    return Endpoint(OLD)


def test_a_known_key_id_fetches_nothing(endpoint: Endpoint) -> None:
    assert [endpoint.finds(OLD.key_id, now) for now in (0, 50, 99)] == [True] * 3
    assert endpoint.fetches == 1


def test_an_unknown_key_id_is_looked_for_again(endpoint: Endpoint) -> None:
    endpoint.finds(OLD.key_id)
    endpoint.keys = (OLD, NEW)
    assert endpoint.finds(NEW.key_id, 31) is True


def test_an_unknown_key_id_right_after_a_fetch_is_not_looked_for_again(endpoint: Endpoint) -> None:
    assert endpoint.finds("made-up") == Reason.UNKNOWN_KEY
    assert endpoint.fetches == 1


def test_unknown_key_ids_fetch_once_a_pause_however_many_they_are(endpoint: Endpoint) -> None:
    endpoint.finds(OLD.key_id)
    for number in range(1000):
        assert endpoint.finds(f"made-up-{number}", 31 + number / 100) == Reason.UNKNOWN_KEY
    assert endpoint.fetches == 2


def test_a_key_that_was_withdrawn_is_gone_past_its_age(endpoint: Endpoint) -> None:
    endpoint.finds(OLD.key_id)
    endpoint.keys = (NEW,)
    assert endpoint.finds(OLD.key_id, 100) == Reason.UNKNOWN_KEY


def test_a_key_that_does_not_fit_causes_no_fetch(endpoint: Endpoint) -> None:
    assert endpoint.finds(OLD.key_id, 0, "ES384") == Reason.KEY_TYPE_MISMATCH
    assert endpoint.finds(OLD.key_id, 50, "ES384") == Reason.KEY_TYPE_MISMATCH
    assert endpoint.fetches == 1
