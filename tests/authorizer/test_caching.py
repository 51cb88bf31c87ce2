"""Fetched keys are cached, fetched again, and used while the source is unreachable."""

import pytest

from iot_authorizer import Reason, Refusal
from iot_authorizer.cached import Cached, Caching, FetchError
from iot_authorizer.clock import Clock
from iot_authorizer.jwks import RemoteKeys
from iot_authorizer.keys import KeySet
from tests.authorizer.keys import SigningKey, signing_key

CACHING = Caching(max_age=100, max_stale=1000, pause=30)


NONE = Reason.KEYS_UNAVAILABLE
Step = tuple[float, str | None, str]
"""A time, what the source answers then (None: nothing), and what is served."""


class Source:
    """Something to fetch, at a time that the test sets."""

    def __init__(self, caching: Caching = CACHING) -> None:
        self.now = 0.0
        self.value: str | None = "first"
        self.error: Exception = FetchError("no answer")
        """What is raised without a value."""
        self.told: list[str | None] = []
        """For each fetch, why it failed."""
        clock = Clock(lambda: self.now, lambda: self.now)
        self.cached = Cached(self._fetch, caching=caching, clock=clock, on_fetch=self.told.append)

    def _fetch(self) -> str:
        if self.value is None:
            raise self.error
        return self.value

    def at(self, now: float) -> str:
        """The value at a time, or why there is none."""
        self.now = now
        try:
            return self.cached.get()
        except Refusal as refusal:
            return refusal.reason


TIMELINES: dict[str, tuple[list[Step], list[bool]]] = {
    "nothing is fetched before it is asked for": ([], []),
    "within its age a value is fetched once": (
        [(0, "first", "first"), (1, "second", "first"), (99, "second", "first")],
        [True],
    ),
    "past its age a value is fetched again": ([(0, "first", "first"), (100, "second", "second")], [True, True]),
    "while fetching fails the old value is served": (
        [(0, "first", "first"), *((now, None, "first") for now in (100, 200, 1000))],
        [True, False, False, False],
    ),
    "during the pause the old value is served": (
        [(0, "first", "first"), *((now, None, "first") for now in (100, 101, 129))],
        [True, False],
    ),
    "a value that is too stale is not served, and the next fetch that works is": (
        [(0, "first", "first"), (1001, None, NONE), (1031, "second", "second")],
        [True, False, True],
    ),
    "after a failed fetch there is a pause, and then it is tried again": (
        [(now, None, NONE) for now in (0, 1, 29, 30, 59, 60)],
        [False, False, False],
    ),
}


@pytest.mark.parametrize(("steps", "fetches"), TIMELINES.values(), ids=TIMELINES)
def test_what_is_served_and_fetched_over_time(steps: list[Step], fetches: list[bool]) -> None:
    source = Source()
    for now, source.value, served in steps:
        assert source.at(now) == served, now
    assert source.told == [None if fetched else "no answer" for fetched in fetches]


@pytest.mark.parametrize("max_stale", [0, 10, 99])
def test_a_value_within_its_age_is_served_whatever_may_be_stale_and_none_past_both(max_stale: float) -> None:
    source = Source(Caching(max_age=100, max_stale=max_stale, pause=30))
    assert [source.at(now) for now in (0, 50, 99)] == ["first"] * 3
    source.value = None
    assert source.at(101) == NONE


def test_the_refusal_says_why_the_last_fetch_failed() -> None:
    def fetch() -> str:
        raise FetchError("expected status 200, found 404")

    cached = Cached(fetch)
    for _ in ("fetched", "within the pause"):
        with pytest.raises(Refusal, match=r"^keys_unavailable: expected status 200, found 404$"):
            cached.get()


def broken() -> str:
    raise ZeroDivisionError("s3cr3t")


def test_any_error_of_a_fetch_is_counted_and_named_by_its_type_and_place_also_within_the_pause() -> None:
    counted: list[str | None] = []
    cached = Cached(broken, on_fetch=counted.append)
    for _ in ("fetched", "within the pause"):
        with pytest.raises(Refusal, match=r"^keys_unavailable: ZeroDivisionError at test_caching.py:\d+$"):
            cached.get()
    assert len(counted) == 1


def test_after_any_error_of_a_fetch_the_old_value_is_served() -> None:
    source = Source()
    source.at(0)
    source.value, source.error = None, ZeroDivisionError()
    assert source.at(100) == "first"


class Endpoint:
    """Keys behind a URL, at a time that the test sets."""

    def __init__(self, *keys: SigningKey) -> None:
        self.now = 0.0
        self.keys = keys
        self.fetches = 0
        clock = Clock(lambda: self.now, lambda: self.now)
        self.remote = RemoteKeys(Cached(self._fetch, caching=CACHING, clock=clock))

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
