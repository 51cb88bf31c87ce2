"""Mutants: which there are, and that their answers are those of the changed template."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iot_policies import Deny, Grant, InvalidTopics, PolicyTemplate, Principal
from iot_policies.explaining import Question, explain, is_allowed
from iot_policies.mutants import AskedQuestion, Mutant, Unconditional, Widened, mutants
from iot_policies.template_tests import ClientOfTest
from tests.policies.templates import blocks


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
    grant = Grant(name="g", when={"role": ["x", "y"], "site": "*"}, publish=("#",), subscribe=("#",))
    assert named(grant)[2:] == [
        'grant "g": without the condition role = x or y',
        'grant "g": without the condition the claim site',
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


CLIENTS = st.builds(
    ClientOfTest,
    st.builds(
        Principal,
        st.sampled_from(["a", "b"]),
        st.fixed_dictionaries(
            {},
            optional={
                "one": st.sampled_from(["a", "b", "a/b", {}, None]),
                "many": st.sampled_from([["a"], ["a", "b"], []]),
                "role": st.sampled_from(["x", "y", "z", ["y"], {}]),
            },
        ),
    ),
    st.sampled_from([None, "a"]),
    st.just(frozenset[str]()),
)
TOPICS = st.lists(st.sampled_from(["a", "b", "c", "$x", ""]), min_size=1, max_size=4).map("/".join).filter(bool)
FILTERS = st.one_of(TOPICS, TOPICS.map(lambda topic: f"{topic}/#"), TOPICS.map(lambda topic: f"a/+/{topic}"))
QUESTIONS: st.SearchStrategy[tuple[Question, str]] = st.one_of(
    st.tuples(st.sampled_from(("publish", "retain", "receive")), TOPICS),
    st.tuples(st.just("subscribe"), FILTERS),
)
TEMPLATES = st.builds(
    lambda grants, denies: (*grants, *denies),
    st.lists(blocks().map(Grant.model_validate), min_size=1, max_size=3),
    st.lists(blocks().map(Deny.model_validate), max_size=1),
)


def template_of(*found: Grant | Deny) -> PolicyTemplate | None:
    try:
        return PolicyTemplate.of(found)
    except InvalidTopics:
        return None


@given(TEMPLATES, CLIENTS, QUESTIONS)
def test_the_entries_of_a_template_answer_as_its_policies_do(
    found: tuple[Grant | Deny, ...], client: ClientOfTest, asked: tuple[Question, str]
) -> None:
    template = template_of(*found)
    if template is not None:
        principal, client_id, attributes = client
        answer = explain(template, principal, *asked, client_id, attributes)
        assert AskedQuestion(template, client, *asked).allows() is answer.allowed, answer
        assert is_allowed(template, principal, *asked, client_id, attributes) is answer.allowed


def changed(template: PolicyTemplate, mutant: Mutant) -> Iterator[Grant | Deny]:
    """The grants and denies of a template with a mistake."""
    first = mutant.entries[0]
    for index, block in enumerate(template.blocks):
        if index != first.block_index:
            yield block
        elif isinstance(mutant, Unconditional):
            conditions = {name: wanted for name, wanted in (block.when or {}).items() if name != mutant.claim}
            yield block.model_copy(update={"when": conditions})
        else:
            texts = list(getattr(block, first.key))
            texts[first.index : first.index + 1] = [first.text, mutant.text] if isinstance(mutant, Widened) else []
            yield block.model_copy(update={first.key: tuple(texts)})


@given(TEMPLATES, CLIENTS, QUESTIONS, st.data())
def test_a_mutant_answers_as_the_changed_template_does(
    found: tuple[Grant | Deny, ...], client: ClientOfTest, asked: tuple[Question, str], data: st.DataObject
) -> None:
    template = template_of(*found)
    several = [] if template is None else list(mutants(template))
    if template is None or not several:
        return
    mutant = data.draw(st.sampled_from(several))
    whole = template_of(*changed(template, mutant))
    before = AskedQuestion(template, client, *asked)
    if whole is not None and not before.is_refused and not AskedQuestion(whole, client, *asked).is_refused:
        principal, client_id, attributes = client
        assert before.allows(mutant) is explain(whole, principal, *asked, client_id, attributes).allowed, str(mutant)
