"""The answer: always within IoT Core's bounds."""

import hashlib
import math
import re
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iot_authorizer import Authorizer, Grant, Principal, SessionTimes, VerifiedPrincipal
from iot_authorizer.response import disconnect_after, principal_id, refresh_after, refused
from iot_policies.session_times import LARGEST_SPREAD, LEAST_SESSION, LONGEST_SESSION
from tests.authorizer.answers import check_answer
from tests.authorizer.events import anonymous, bearer, event
from tests.authorizer.handlers import Running, start
from tests.authorizer.tokens import HOUR, mint

times = st.integers(LEAST_SESSION, LONGEST_SESSION)
sessions = st.builds(SessionTimes, times, times, st.floats(0, LARGEST_SPREAD))
lives = st.none() | st.floats(allow_nan=True, allow_infinity=True) | st.integers(-(10**6), 10**6).map(float)
connections = st.none() | st.text()


@given(sessions, connections, lives)
def test_a_connection_ends_within_bounds_not_after_its_token_and_earlier_by_no_more_than_the_spread(
    session: SessionTimes, connection: str | None, life: float | None
) -> None:
    seconds, of_no_token = disconnect_after(session, connection, life), disconnect_after(session, connection, None)
    assert LEAST_SESSION <= seconds <= LONGEST_SESSION
    if life is not None and not math.isnan(life):
        assert seconds <= max(life, LEAST_SESSION)
    shortest = max(LEAST_SESSION, int(session.disconnect_after * (1 - session.spread)))
    assert shortest <= of_no_token <= session.disconnect_after
    if connection is not None:
        assert disconnect_after(session, connection, life) == seconds


@given(sessions, lives)
def test_an_https_answer_is_cached_no_longer_than_the_token_lasts_or_iot_cores_minimum(
    session: SessionTimes, life: float | None
) -> None:
    seconds = refresh_after(session, life, has_mqtt=False)
    assert LEAST_SESSION <= seconds <= session.refresh_after
    if life is not None and not math.isnan(life):
        assert seconds <= max(life, LEAST_SESSION)
        assert seconds > min(life, session.refresh_after) - 1


@given(sessions, lives)
def test_an_mqtt_client_is_refreshed_as_the_session_says_since_its_end_is_bounded_already(
    session: SessionTimes, life: float | None
) -> None:
    assert refresh_after(session, life, has_mqtt=True) == session.refresh_after


def test_connections_do_not_end_together() -> None:
    session = SessionTimes(disconnect_after=24 * HOUR, spread=0.1)
    ends = {disconnect_after(session, f"connection-{number}", None) // HOUR for number in range(100)}
    assert ends == {21, 22, 23}


TIMES = """
[session]
disconnect_after = "6h"
refresh_after    = "7m"
spread           = "0%"

[[grant]]
connect = ["{principal}"]
"""


def test_the_templates_times_are_answered(tmp_path: Path) -> None:
    answer = start(tmp_path, policy=TIMES)(bearer(mint(exp=int(time.time()) + 10 * HOUR))).answer
    assert (answer["disconnectAfterInSeconds"], answer["refreshAfterInSeconds"]) == (6 * HOUR, 420)


@given(life=st.integers(-(10**6), 10**6))
def test_the_clock_tells_how_long_a_proof_lasts(life: int) -> None:
    session = SessionTimes(spread=0)
    running = Running(
        Authorizer(
            verify=lambda credentials: VerifiedPrincipal(Principal("ann"), expires_at=1_000_000 + life),
            grant=lambda principal: Grant(connect=("a",)),
            session=session,
            clock=lambda: 1_000_000,
        )
    )
    assert running({}).answer["disconnectAfterInSeconds"] == min(max(life, LEAST_SESSION), LONGEST_SESSION)


@pytest.mark.parametrize(("parts", "seconds"), [(["http", "mqtt"], 900), (["http"], 500)])
def test_only_for_events_without_mqtt_a_token_that_expires_in_500_seconds_shortens_the_refresh(
    parts: list[str], seconds: int
) -> None:
    running = Running(
        Authorizer(
            verify=lambda credentials: VerifiedPrincipal(Principal("ann"), expires_at=1_000_500),
            grant=lambda principal: Grant(connect=("a",)),
            clock=lambda: 1_000_000,
        )
    )
    found: dict[str, object] = {"protocolData": {part: {} for part in parts}}
    assert running(found).answer["refreshAfterInSeconds"] == seconds


ITSELF = ["ann", "A1", "0", "x" * 128, "f" * 63, "g" * 64, "F" * 64]


@pytest.mark.parametrize("name", ITSELF)
def test_an_alphanumeric_name_is_its_own_principal_id(name: str) -> None:
    assert principal_id(name) == name


HASHED = ["", "ann@example.com", "a b", "x" * 129, "é", "\u0661", "ann\n", "a-b", "f" * 64, "\ud800"]


@pytest.mark.parametrize("name", HASHED)
def test_any_other_name_is_hashed(name: str) -> None:
    assert principal_id(name) == hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()


@given(st.text(st.characters()), st.text(st.characters()))
def test_two_names_have_two_valid_principal_ids(one: str, other: str) -> None:
    assert re.fullmatch("[a-zA-Z0-9]{1,128}", principal_id(one))
    assert one == other or principal_id(one) != principal_id(other)


def test_no_name_can_equal_the_hash_of_another_name() -> None:
    assert principal_id(principal_id("ann@example.com")) != principal_id("ann@example.com")


REFUSED = {
    "nothing": {},
    "no-event": None,
    "bad-type": {"token": 5},
    "no-credentials": anonymous(),
    "forged": bearer(mint()[:-8]),
    "expired": bearer(mint(exp=1)),
    "unsafe": bearer(mint(sub="#")),
    "client-id": bearer(mint(), client_id="eve"),
    "no-password": event(user_name="ann"),
}


@pytest.mark.parametrize("event", REFUSED.values(), ids=REFUSED)
def test_a_refusal_says_nothing_about_why(authorizer: Running, event: object) -> None:
    assert authorizer(event).answer == refused()


def test_a_refusal_can_not_be_changed_for_the_next_client(authorizer: Running) -> None:
    first = authorizer({}).answer
    first["isAuthenticated"] = True
    first["policyDocuments"].append({"Version": "2012-10-17", "Statement": []})
    assert authorizer({}).answer["isAuthenticated"] is False


def test_an_admission_is_a_valid_answer(authorizer: Running) -> None:
    outcome = authorizer(bearer(mint(sub="ann@example.com", rooms=["a", "b"]), client_id="ann@example.com/phone"))
    assert outcome.verdict == "allowed"
    check_answer(outcome.answer)
