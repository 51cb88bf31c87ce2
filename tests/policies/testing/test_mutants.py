"""Mutants: which there are, and that their answers are those of the changed template."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iot_policies import Deny, Grant, PolicyTemplate, Send
from iot_policies.explaining import Question, explain
from iot_policies.testing.asked_question import AskedQuestion
from iot_policies.testing.cases import ClientOfTest
from iot_policies.testing.mutants import Mutant, Unconditional, Widened, WithoutConnectWith, WithoutValue, mutants
from iot_policies.topics import TO
from tests.policies.testing import questions


def widened(**entry: object) -> list[str]:
    template = PolicyTemplate.of([Grant.model_validate(entry)])
    return [mutant.text for mutant in mutants(template) if isinstance(mutant, Widened)]


@pytest.mark.parametrize(
    ("key", "text", "expected"),
    [
        ("publish", "a", ["#"]),
        ("publish", "a/b", ["a/#"]),
        ("publish", "a/{principal}", ["a/+"]),
        ("publish", "{principal}/a/b", ["+/a/b", "{principal}/+/b", "{principal}/a/#"]),
        ("publish", "a/x-{claims.x}/b", ["a/+/b", "a/x-{claims.x}/#"]),
        ("publish", "a/+", ["a/#"]),
        ("publish", "a/+/b/+", ["a/+/+/+", "a/+/b/#"]),
        ("subscribe", "a/{principal}/#", ["a/+/#"]),
        ("subscribe", "a/{principal}/b/#", ["a/+/b/#", "a/{principal}/#"]),
        ("subscribe", "a/#", ["#"]),
        ("subscribe", "#", []),
        ("subscribe", "$share/g/a/{principal}", ["$share/g/a/+"]),
        (
            "publish",
            "$aws/things/{principal}/shadow/get",
            ["$aws/things/+/shadow/get", "$aws/things/{principal}/shadow/#"],
        ),
        ("publish", "a/{principal}/+/+/+/+/+", ["a/+/+/+/+/+/+", "a/{principal}/+/+/+/+/#"]),
        ("publish", "+/+/+/+/+/+/+/+", []),
        ("connect", "{principal}", ["*", "{principal}*"]),
        ("connect", "{principal}/*", ["*/*", "{principal}*"]),
        ("connect", "a/{principal}/{claims.x}", ["a/*/{claims.x}", "a/{principal}/*", "a/{principal}/{claims.x}*"]),
        ("connect", "a/*", ["a*"]),
        ("connect", "{client_id}", []),
    ],
)
def test_an_entry_is_widened_in_each_smallest_way(key: str, text: str, expected: list[str]) -> None:
    assert widened(**{key: [text]}) == expected


def test_an_entry_is_not_widened_within_another_one() -> None:
    assert widened(publish=["a/b", "a/#"]) == ["#"]


def test_the_topic_prefix_is_not_widened() -> None:
    template = PolicyTemplate.of([Grant(publish=("a/b",))], topic_prefix="dev/one")
    assert [each.filter for each in mutants(template) if isinstance(each, Widened)] == ["dev/one/a/#"]


def named(*found: Grant | Deny) -> list[str]:
    return [str(each) for each in mutants(PolicyTemplate.of(found)) if not isinstance(each, Widened)]


def test_each_condition_is_dropped_for_its_whole_grant() -> None:
    grant = Grant(name="g", when={"role": "x", "site": "*"}, publish=("#",), subscribe=("#",))
    assert named(grant)[2:] == [
        'grant "g": without the condition role = x',
        'grant "g": without the condition the claim site',
    ]


def test_each_of_several_values_is_dropped() -> None:
    assert named(Deny(name="d", when={"state": ["left", True]}, publish=("#",)))[2:] == [
        'deny "d": without the value state = left',
        'deny "d": without the value state = true',
    ]


def test_a_condition_that_a_placeholder_implies_is_not_dropped() -> None:
    assert named(Grant(when={"rooms": "*"}, publish=("a/{claims.rooms}",))) == [
        'grant[0], publish = "a/{claims.rooms}": removed'
    ]


@pytest.mark.parametrize(
    ("block", "count"),
    [
        (Grant(connect=("a",), connect_with=("LastWill",)), 1),
        (Grant(connect=("a",), connect_with=()), 1),
        (Grant(connect=("a",), connect_with=("LastWill", "PersistentConnect")), 0),
        (Grant(connect=("a",)), 0),
        (Deny(connect=("a",), connect_with=("LastWill", "PersistentConnect")), 1),
    ],
)
def test_connect_with_is_dropped_if_it_makes_a_difference(block: Grant | Deny, count: int) -> None:
    assert sum("without connect_with" in each for each in named(block)) == count


def changed(template: PolicyTemplate, mutant: Mutant) -> Iterator[Grant | Deny]:
    """The grants and denies of a template with a mistake."""
    first = mutant.entries[0]
    for index, block in enumerate(template.blocks):
        if index != first.block_index:
            yield block
        elif isinstance(mutant, Unconditional):
            conditions = {name: wanted for name, wanted in (block.when or {}).items() if name != mutant.claim}
            yield block.model_copy(update={"when": conditions})
        elif isinstance(mutant, WithoutValue):
            yield mutant.block
        elif isinstance(mutant, WithoutConnectWith):
            yield block.model_copy(update={"connect_with": None})
        else:
            kept = [text for key, place, text in block.entries() if key == first.key and place != first.place]
            kept += [first.text, mutant.text] if isinstance(mutant, Widened) else []
            sends = [Send(to=to, topics=(topic,)) for to, _, topic in (text.partition(TO) for text in kept)]
            yield block.model_copy(update={first.key: tuple(sends if first.key == "send" else kept)})


@given(questions.templates, questions.clients, questions.questions, st.data())
def test_a_mutant_answers_as_the_changed_template_does(
    found: tuple[Grant | Deny, ...], client: ClientOfTest, asked: tuple[Question, str], data: st.DataObject
) -> None:
    template = questions.template_of(*found)
    several = [] if template is None else list(mutants(template))
    if template is None or not several:
        return
    mutant = data.draw(st.sampled_from(several))
    whole = questions.template_of(*changed(template, mutant))
    before = AskedQuestion(template, client, *asked)
    if whole is not None and not before.is_refused and not AskedQuestion(whole, client, *asked).is_refused:
        principal, client_id, attributes = client
        assert mutant.allows(before) is explain(whole, principal, *asked, client_id, attributes).allowed, str(mutant)
