"""The clock of the broker follows the wall clock forwards, and never goes back."""

from hypothesis import given
from hypothesis import strategies as st

from iot_core.broker.steady_clock import SteadyClock
from tests.clock import Clock


def test_it_goes_on_while_the_wall_clock_is_set_back() -> None:
    wall, monotonic = Clock(1000), Clock(5)
    steady = SteadyClock(wall, monotonic)
    wall.now -= 600
    monotonic.now += 30
    assert steady() == 1030


def test_it_follows_a_wall_clock_that_is_set_forward_or_runs_while_the_machine_sleeps() -> None:
    wall, monotonic = Clock(1000), Clock(5)
    steady = SteadyClock(wall, monotonic)
    wall.now += 600
    assert steady() == 1600


@given(st.lists(st.tuples(st.integers(-1000, 1000), st.integers(0, 1000))))
def test_it_never_goes_back_and_is_never_slower_than_either_clock(steps: list[tuple[int, int]]) -> None:
    wall, monotonic = Clock(10**9), Clock(0)
    steady = SteadyClock(wall, monotonic)
    for set_to, passed in steps:
        before = steady()
        wall.now += set_to
        monotonic.now += passed
        assert steady() >= max(before + passed, wall.now)
