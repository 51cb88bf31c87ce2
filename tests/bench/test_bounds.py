"""A figure beyond its bound is named at the end of a run."""

import math

import pytest

from bench.bounds import Bounds


@pytest.mark.parametrize("figure", [0, 1.79, 1.8])
def test_a_figure_up_to_the_most_that_it_may_be_is_not_missed(figure: float) -> None:
    bounds = Bounds()
    assert (bounds.at_most("warm", figure, 1.8), bounds.missed) == ("(at most 1.8)", [])


@pytest.mark.parametrize("figure", [2500, 2500.1, 9000])
def test_a_figure_from_the_least_that_it_may_be_is_not_missed(figure: float) -> None:
    bounds = Bounds()
    assert (bounds.at_least("connects", figure, 2500), bounds.missed) == ("(at least 2,500)", [])


def test_each_figure_beyond_its_bound_is_missed_and_named_with_both_numbers() -> None:
    bounds = Bounds()
    shown = [bounds.at_most(name, figure, 1.8) for name, figure in (("cold", 2.5), ("warm", 1), ("table", 1.9))]
    shown.append(bounds.at_least("connects", 1431.25, 2500))
    assert shown == ["(at most 1.8: MISSED)", "(at most 1.8)", "(at most 1.8: MISSED)", "(at least 2,500: MISSED)"]
    assert bounds.missed == [
        "cold: 2.50, expected at most 1.8",
        "table: 1.90, expected at most 1.8",
        "connects: 1,431.25, expected at least 2,500",
    ]


def test_a_figure_that_is_not_a_number_is_missed() -> None:
    bounds = Bounds()
    bounds.at_most("warm", math.nan, 1.8)
    bounds.at_least("connects", math.nan, 2500)
    assert len(bounds.missed) == 2


def test_on_a_slower_machine_times_may_be_longer_and_rates_smaller() -> None:
    bounds = Bounds(slower=1.5)
    assert (bounds.time(3), bounds.rate(2500)) == (4.5, 1670)


def test_the_bound_of_a_time_is_shown_as_it_is_compared() -> None:
    bounds = Bounds(slower=1.0377)
    assert bounds.at_most("restore", 3.11, bounds.time(3)) == "(at most 3.11)"


def test_the_program_ends_with_status_1_and_all_missed_bounds() -> None:
    bounds = Bounds()
    bounds.at_most("cold", 2.5, 1.8)
    bounds.at_least("connects", 1000, 2500)
    with pytest.raises(SystemExit) as ended:
        bounds.exit_if_missed()
    assert str(ended.value).splitlines() == ["bounds that were missed:", *bounds.missed]


def test_the_program_goes_on_if_no_bound_was_missed() -> None:
    Bounds().exit_if_missed()
