"""How far a long command is, on standard error."""

import itertools
from collections.abc import Generator

import pytest

from iot_authorizer_cli.progress import PAUSE, finish
from iot_policies.proofs.progress import Progress
from tests.progress import without_progress


def proof(steps: int) -> Generator[Progress, None, str]:
    """A proof of some steps, of which the first does not know how many follow."""
    yield Progress("collected principals", 7, None)
    for number in range(steps):
        yield Progress("example principals", number, steps)
    return "proved"


def test_a_quick_proof_tells_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert finish("chat.toml", proof(100), lambda: 0.0) == "proved"
    assert capsys.readouterr() == ("", "")


def test_a_long_proof_tells_how_far_it_is_after_each_pause(capsys: pytest.CaptureFixture[str]) -> None:
    seconds = itertools.count(step=PAUSE / 2)
    assert finish("chat.toml", proof(6), lambda: next(seconds)) == "proved"
    told = capsys.readouterr().err
    assert told.splitlines() == ["chat.toml: example principals: 1 of 6", "chat.toml: example principals: 4 of 6"]
    assert without_progress(told) == ""


def test_a_step_of_unknown_length_tells_only_how_much_is_done(capsys: pytest.CaptureFixture[str]) -> None:
    seconds = itertools.count(step=2 * PAUSE)
    finish("chat.toml", proof(0), lambda: next(seconds))
    told = capsys.readouterr().err
    assert (told, without_progress(told)) == ("chat.toml: collected principals: 7\n", "")
