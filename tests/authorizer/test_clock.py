"""Ages in Lambda: never younger than they are. And what runs there uses no other clock, and no other random numbers."""

import ast
import math
import re
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iot_authorizer.clock import Clock, Moment
from tests import ROOT

seconds = st.integers(0, 10**8)
shifts = st.integers(-(10**8), 10**8)
START = Moment(1_800_000_000, 5_000)


@given(running=seconds, frozen=seconds)
def test_an_age_includes_the_time_in_which_the_environment_was_frozen(running: float, frozen: float) -> None:
    later = Moment(START.wall + running + frozen, START.monotonic + running)
    assert later.seconds_since(START) == running + frozen


@given(running=seconds, shift=shifts)
def test_an_age_is_never_too_young_after_the_wall_clock_was_set(running: float, shift: float) -> None:
    later = Moment(START.wall + running + shift, START.monotonic + running)
    assert later.seconds_since(START) >= later.monotonic - START.monotonic


@given(stored=seconds, uptime=seconds)
def test_what_was_loaded_before_a_snapshot_is_as_old_as_it_is_or_older_on_a_machine_with_any_uptime(
    stored: float, uptime: float
) -> None:
    restored = Moment(START.wall + stored, uptime)
    assert restored.seconds_since(START) >= restored.wall - START.wall


FUTURES = {
    "by the wall clock, which was set back": Moment(START.wall - 1, START.monotonic + 9),
    "by the monotonic clock, since the machine is another one": Moment(START.wall + 9, START.monotonic - 1),
}


@pytest.mark.parametrize("now", FUTURES.values(), ids=FUTURES)
def test_a_moment_in_the_future_is_infinitely_old(now: Moment) -> None:
    assert now.seconds_since(START) == math.inf


def test_what_never_happened_is_infinitely_old() -> None:
    assert START.seconds_since(None) == math.inf


def test_a_clock_tells_the_time_of_this_machine() -> None:
    clock = Clock()
    earlier = clock.now()
    assert 0 <= clock.now().seconds_since(earlier) < 60


IN_LAMBDA = ("authorizer/iot_authorizer", "identities/iot_identities", "policies/iot_policies")
LEFT_OUT = (ROOT / "policies/iot_policies/proofs", ROOT / "policies/iot_policies/testing")
"""What the Lambda directory does not have."""
USES = {
    # Ages.
    "iot_authorizer.clock": {"time", "monotonic"},
    # Ends that are stated in seconds since 1970.
    "iot_authorizer.authorizer": {"time"},
    "iot_authorizer.development_tokens": {"time"},
    "iot_authorizer.stored_claims": {"time"},
    "iot_identities.dynamodb_table": {"time", "monotonic"},  # A deadline for the requests of one decision.
    "iot_identities.sqlite_table": {"time", "monotonic", "sleep"},  # A deadline for opening the file.
    "iot_authorizer.table_passwords": {"time"},
    # A deadline for one fetch.
    "iot_authorizer.fetching": {"monotonic"},
    # The age of events, whose times IoT Core says; when a user was added.
    "iot_authorizer.online_clients": {"time"},
    "iot_authorizer.user_claims": {"time"},
    # An end, written as a text.
    "iot_policies.durations": {"gmtime", "strftime"},
    # The duration in a log line, and its time.
    "iot_authorizer.credentials_endpoint": {"perf_counter"},
    "iot_authorizer.lambda_handler": {"perf_counter"},
    "iot_authorizer.observer": {"perf_counter", "time"},
}
"""What each module may use of `time`. An age must use `iot_authorizer.clock` instead."""


def uses_of(module: str, tree: ast.Module) -> Iterator[str]:
    """The names that a file uses of a module, however it imports them."""
    own = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
        if alias.name == module
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == module:
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in own:
            yield node.attr


def in_lambda() -> Iterator[tuple[str, ast.Module]]:
    """Each module that runs in Lambda."""
    for path in (path for folder in IN_LAMBDA for path in (ROOT / folder).rglob("*.py")):
        if not any(path.is_relative_to(folder) for folder in LEFT_OUT):
            yield ".".join(path.relative_to(ROOT).with_suffix("").parts[1:]), ast.parse(path.read_text("utf-8"))


def found(module: str) -> dict[str, set[str]]:
    """What each module that runs in Lambda uses of another one."""
    used = {name: set(uses_of(module, tree)) for name, tree in in_lambda()}
    return {name: names for name, names in used.items() if names}


def test_no_age_in_lambda_is_measured_by_another_clock() -> None:
    assert {name: used for name, names in found("time").items() if (used := names - USES.get(name, set()))} == {}


def test_no_module_in_lambda_asks_what_date_it_is() -> None:
    """It would be told by the wall clock alone."""
    dates = re.compile(r"date(time)?\.(now|utcnow|today)\b")
    assert [name for name, tree in in_lambda() if dates.search(ast.unparse(tree))] == []


def test_what_runs_in_lambda_draws_only_what_the_first_event_seeds_anew() -> None:
    """All else comes from the operating system, which draws anew after a restore (SnapStart, "uniqueness")."""
    assert found("random") == {"iot_authorizer.lambda_handler": {"seed"}, "iot_authorizer.response": {"random"}}
