"""A proof in bounded time is a whole proof, a quick one, or none. A comparison has what was found until then."""

from itertools import count

import pytest

from iot_policies import Grant, PolicyTemplate
from iot_policies.proofs import prove
from iot_policies.proofs.bounded import diff_within, prove_within
from iot_policies.proofs.diff import diff
from tests import ROOT

CHAT = PolicyTemplate.load(ROOT / "policies/chat.toml")


def within(seconds: float) -> tuple[str, list[str]]:
    """The verdict with a clock that goes on by one second for each part of the proof; the template has 9 entries."""
    proof = prove_within(CHAT, seconds, count().__next__)
    return proof.verdict, proof.not_covered


def test_a_proof_that_is_finished_in_time_is_the_whole_proof() -> None:
    assert within(1000) == ("proved", [])


def test_after_the_time_only_entries_and_pairs_are_proved() -> None:
    proof = prove_within(CHAT, 13, count().__next__)
    quick = prove(CHAT, quick=True)
    assert (proof.verdict, proof.examples, proof.pairs) == ("partly proved", [], quick.pairs)


@pytest.mark.parametrize("seconds", [0, 1, 5])
def test_without_time_for_the_entries_nothing_is_proved(seconds: float) -> None:
    assert within(seconds) == ("not covered", [f"the entries and their pairs took longer than {seconds} seconds"])


NARROWER = PolicyTemplate.of([Grant(name="one", publish=["a"]), Grant(name="two", publish=["b"])])
WIDER = PolicyTemplate.of([Grant(name="one", publish=["a/#"]), Grant(name="two", publish=["b/#"])])


def test_a_comparison_that_is_finished_in_time_is_the_whole_comparison() -> None:
    found = diff_within(NARROWER, WIDER, 1000, count().__next__)
    assert (found, found.not_covered) == (diff(NARROWER, WIDER), [])


@pytest.mark.parametrize("seconds", range(4))
def test_a_comparison_that_is_not_finished_has_what_was_found_and_is_not_covered(seconds: int) -> None:
    found = diff_within(NARROWER, WIDER, seconds, count().__next__)
    whole = diff(NARROWER, WIDER)
    assert found.not_covered == [f"the comparison took longer than {seconds} seconds, so there may be more"]
    assert [line for line in found.lines if line not in whole.lines] == []
    assert not found.is_same or seconds <= 1
