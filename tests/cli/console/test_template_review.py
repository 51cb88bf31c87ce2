"""The proof of the template in force, and what its edits come to. On the page: `test_changes_panel.py`."""

import asyncio
import threading
from collections.abc import Sequence

import pytest

from iot_authorizer_cli.console import template_review
from iot_authorizer_cli.console.template_review import Changes, TemplateReview, shown
from iot_policies import Deny, Grant, PolicyTemplate
from iot_policies.proofs import Proof, prove
from tests.cli.console.conftest import Ask

OWN = PolicyTemplate.of([Grant(publish=["users/{principal}/outbox"]), Deny(publish=["users/eve/outbox"])])


def test_a_template_is_proved_once_and_another_one_again() -> None:
    other = PolicyTemplate.of([Grant(name="wide", widen=True, publish=["a/+/b/#"])])

    async def verdicts() -> tuple[str, bool, str]:
        review = TemplateReview(OWN, 0)
        first, again = await asyncio.gather(review.proof(OWN), review.proof(OWN))
        return first["verdict"], first is again, (await review.proof(other))["verdict"]

    assert asyncio.run(verdicts()) == ("proved", True, "not covered")


def test_the_event_loop_goes_on_while_a_template_is_proved(monkeypatch: pytest.MonkeyPatch) -> None:
    """The proof waits for something that only the event loop does."""
    released = threading.Event()

    def waiting(*_: object) -> Proof:
        return Proof(not_covered=[] if released.wait(30) else ["the event loop was blocked"])

    monkeypatch.setattr("iot_authorizer_cli.console.template_review.prove_within", waiting)

    async def release() -> str:
        proving = asyncio.ensure_future(TemplateReview(OWN, 0).proof(OWN))
        await asyncio.sleep(0)
        asyncio.get_running_loop().call_soon(released.set)
        return (await proving)["verdict"]

    assert asyncio.run(release()) == "proved"


def test_a_difference_is_shown_with_its_example(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = prove(PolicyTemplate.of([Grant(publish=["users/{principal}/outbox"])])).examples[0][1]
    monkeypatch.setattr("iot_policies.proofs.prover.compile_policy", lambda *_: compiled)
    proof = prove(OWN)
    found = shown(proof)
    assert found["verdict"] == "different"
    assert proof.counterexample is not None
    assert found["lines"] == list(proof.counterexample.lines())


def test_of_many_lines_the_first_are_shown() -> None:
    many = PolicyTemplate.of([Grant(name=f"{each}", widen=True, publish=[f"{each}/+/b/#"]) for each in range(23)])
    lines = shown(prove(many, quick=True))["lines"]
    assert (len(lines), lines[-1]) == (21, "and 3 more: run iot-authorizer prove")


def test_the_console_answers_with_the_proof(ask: Ask) -> None:
    found = ask("/console/proof").json
    assert (found["verdict"], found["lines"]) == ("proved", [])
    assert str(found["text"]).startswith("Proved: every principal that gets a policy")


def template(*topics: str) -> PolicyTemplate:
    return PolicyTemplate.of([Grant(publish=list(topics))])


def after(*saved: PolicyTemplate | None) -> Changes | None:
    """The changes after several saves. The first template is that of the start; the clock stands still."""

    async def compare() -> Changes | None:
        review = TemplateReview(saved[0], 1.5)
        found = None
        for each in saved:
            found = await review.changes(each)
        return found

    return asyncio.run(compare())


def marked(found: Changes | None) -> Sequence[tuple[str, str, bool]]:
    """The effect, the example and the mark of each change."""
    assert found is not None
    changes = found.shown()["changes"]
    assert isinstance(changes, list)
    return [(each["effect"], each["example"], each["is_new"]) for each in changes]


FIRST = template("a")
SAME = "both allow the same for every principal"


@pytest.mark.parametrize("saved", [(FIRST,), (None,), (FIRST, template("b"), FIRST), (FIRST, None), (None, FIRST)])
def test_there_is_nothing_to_show_without_an_edit(saved: tuple[PolicyTemplate | None, ...]) -> None:
    assert after(*saved) is None


def test_a_template_is_compared_with_the_first_one_and_new_changes_are_marked() -> None:
    found = after(FIRST, template("a", "b"), template("a", "b", "c"))
    assert marked(found) == [("opens", "ann: publish b", False), ("opens", "ann: publish c", True)]


def test_the_first_template_can_come_after_grants_from_code() -> None:
    assert marked(after(None, FIRST, template("a", "b"))) == [("opens", "ann: publish b", True)]


def test_an_edit_that_is_undone_is_gone() -> None:
    found = after(FIRST, template("a", "b"), template("a"))
    assert found is not None
    assert (found.changes, found.rest, found.since) == ((), SAME, 1500)


def test_asking_again_keeps_the_marks() -> None:
    edited = template("a", "b")
    assert marked(after(FIRST, edited, edited)) == [("opens", "ann: publish b", True)]


def test_another_example_does_not_make_a_change_new() -> None:
    one = template("a", "of/{claims.x}")
    other = template("a", "of/{claims.x}", "any/red")
    assert marked(after(FIRST, one))[:1] == [("opens", 'ann with {"x": "any"}: publish of/any', True)]
    assert marked(after(FIRST, one, other))[:2] == [
        ("opens", 'ann with {"x": "blue"}: publish of/blue', False),
        ("opens", "ann: publish any/red", True),
    ]


def test_the_terminal_shows_new_changes_and_counts_the_others() -> None:
    found = after(FIRST, template("a", "b"), template("b", "c"))
    assert found is not None
    assert list(found.lines()) == [
        'opens  publish: grant[0], publish = "c", added',
        "         for every principal",
        "         example: ann: publish c",
        'closes publish: grant[0], publish = "a", removed',
        "         for every principal",
        "         example: ann: publish a",
        "compared with the template when dev started: 1 change of earlier saves; everything else is the same for every "
        "principal",
    ]


def test_of_many_changes_the_first_are_shown() -> None:
    found = after(FIRST, template("a", *(f"many/{number}" for number in range(60))))
    assert found is not None
    assert (len(marked(found)), found.shown()["left_out"]) == (50, 10)
    assert list(found.lines())[-2:] == [
        "and 52 more: the page shows them",
        "compared with the template when dev started: everything else is the same for every principal",
    ]


def test_what_could_not_be_decided_in_time_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(template_review, "LONGEST_COMPARISON", 0)
    found = after(FIRST, template("a", "b"))
    assert found is not None
    assert found.rest == ""
    assert list(found.lines()) == ["not covered: the comparison took longer than 0 seconds, so there may be more"]


def test_the_console_answers_that_there_is_no_edit(ask: Ask) -> None:
    assert ask("/console/changes").json == {"changes": None}
