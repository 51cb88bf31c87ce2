"""A figure beyond its bound is named at the end of a run."""

import pytest

from bench.bounds import Bounds


@pytest.mark.parametrize("figure", [0, 1.79, 1.8])
def test_a_figure_within_its_bound_is_not_missed(figure: float) -> None:
    bounds = Bounds()
    assert (bounds.beside("warm", figure, 1.8), bounds.missed) == ("(at most 1.80)", [])


def test_each_figure_beyond_its_bound_is_missed_and_named_with_both_numbers() -> None:
    bounds = Bounds()
    shown = [bounds.beside(name, figure, 1.8) for name, figure in (("cold", 2.5), ("warm", 1), ("table", 1.9))]
    assert shown == ["(at most 1.80: MISSED)", "(at most 1.80)", "(at most 1.80: MISSED)"]
    assert bounds.missed == ["cold: 2.50, expected at most 1.80", "table: 1.90, expected at most 1.80"]
