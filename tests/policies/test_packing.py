"""Statements into as few documents as fit: 10 of 2,048 characters of compact JSON."""

import json
from collections.abc import Iterable, Sequence

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from iot_policies import Grant, PolicyTemplate, PolicyTooLarge, Principal, compile_policy
from iot_policies.account_region import AccountRegion
from iot_policies.packing import Document, DocumentStatement, Heading, Statement, pack

PREFIX = "arn:aws:iot:eu-west-1:123456789012:"
MOST, LONGEST = 10, 2048
CONDITION = {"ForAllValues:StringEquals": {"iot:ConnectAttributes": ["LastWill"]}}


def length(document: object) -> int:
    return len(json.dumps(document, separators=(",", ":")))


def one(*resources: str) -> Statement:
    return Statement(Heading("Allow", ("iot:Publish",), None), resources)


def exactly(characters: int) -> Statement:
    """A statement of one resource whose document has this many characters."""
    empty = {"Version": "2012-10-17", "Statement": [one().heading.over([PREFIX])]}
    return one("a" * (characters - length(empty)))


@st.composite
def statements(draw: st.DrawFn) -> list[Statement]:
    """Statements of resources of all lengths, some with characters that JSON escapes."""
    sizes = st.lists(st.integers(1, 480), min_size=1, max_size=40)
    filling = st.sampled_from(("x", "x", "é", '"'))
    found = []
    for kind in ("topic", "topicfilter", "client")[: draw(st.integers(1, 3))]:
        fill = draw(filling)
        names = tuple(f"{kind}/{index}/{fill * size}" for index, size in enumerate(draw(sizes)))
        condition = CONDITION if kind == "client" else None
        found.append(Statement(Heading("Deny" if kind == "topic" else "Allow", ("iot:Publish",), condition), names))
    return found


def packed(given: Sequence[Statement]) -> list[Document]:
    try:
        return pack(given, PREFIX)
    except PolicyTooLarge:
        event("too large")
        return []


def as_items(given: Iterable[DocumentStatement]) -> list[str]:
    """The resources of statements, each with all else that its statement says."""
    return sorted(json.dumps({**each, "Resource": name}) for each in given for name in each["Resource"])


def next_fit(given: Sequence[Statement]) -> list[list[tuple[Statement, list[str]]]]:
    """The simplest packing: each resource into the last document, or else into a new one."""
    pages: list[list[tuple[Statement, list[str]]]] = [[]]
    for statement in given:
        for resource in statement.resources:
            last = pages[-1]
            if not last or last[-1][0] is not statement:
                last.append((statement, []))
            last[-1][1].append(PREFIX + resource)
            if length(written(last)) > LONGEST:
                last[-1][1].pop()
                pages.append([(statement, [PREFIX + resource])])
    return pages


def written(page: Sequence[tuple[Statement, list[str]]]) -> dict[str, object]:
    return {"Version": "2012-10-17", "Statement": [each.heading.over(resources) for each, resources in page]}


def kinds(document: Document) -> list[tuple[str, tuple[str, ...], str]]:
    return [
        (each["Effect"], tuple(each["Action"]), each["Resource"][0].split("/")[0]) for each in document["Statement"]
    ]


@given(statements())
def test_a_packing_has_every_resource_once_in_valid_documents_and_no_more_than_the_simplest_packing(
    given: list[Statement],
) -> None:
    documents = packed(given)
    wanted = [each.heading.over([PREFIX + name for name in each.resources]) for each in given]
    found = [each for document in documents for each in document["Statement"]]
    assert as_items(found) == (as_items(wanted) if documents else [])
    assert len(documents) <= MOST
    assert all(length(document) <= LONGEST for document in documents)
    assert all(len(set(kinds(document))) == len(kinds(document)) for document in documents)
    simple = next_fit(given)
    if len(simple) <= MOST and all(length(written(page)) <= LONGEST for page in simple):
        assert 0 < len(documents) <= len(simple)


PACKINGS = {
    "a small policy is one document": ([one("a"), one("b")], 1),
    "a document may be 2,048 characters long": ([exactly(LONGEST)], 1),
    "room left in an earlier document is used": ([one("a" * 1200, "b" * 1200, "c" * 300)], 2),
    "ten documents are allowed": ([one(*(f"{index}{'a' * 1500}" for index in range(10)))], 10),
    "characters are counted as JSON escapes them": ([one(*(f"{index}{'é' * 100}" for index in range(6)))], 2),
}
"""Statements, and how many documents they need."""


@pytest.mark.parametrize(("given", "documents"), PACKINGS.values(), ids=PACKINGS)
def test_statements_need_so_many_documents(given: list[Statement], documents: int) -> None:
    found = packed(given)
    assert (len(found), all(length(document) <= LONGEST for document in found)) == (documents, True)


@pytest.mark.parametrize(("characters", "documents"), [(LONGEST, 1), (LONGEST + 1, 2)])
def test_two_statements_share_a_document_to_its_last_character(characters: int, documents: int) -> None:
    two = [one("a"), Statement(Heading("Deny", ("iot:Publish",), None), ("b",))]
    padding = characters - length(written([(each, [PREFIX + each.resources[0]]) for each in two]))
    assert (
        len(pack([two[0], Statement(Heading("Deny", ("iot:Publish",), None), ("b" * (padding + 1),))], PREFIX))
        == documents
    )


def test_a_resource_that_needs_one_character_more_is_too_large() -> None:
    with pytest.raises(PolicyTooLarge):
        pack([exactly(LONGEST + 1)], PREFIX)


def test_eleven_documents_are_too_many() -> None:
    with pytest.raises(PolicyTooLarge) as refusal:
        pack([one(*(f"{index}{'a' * 1500}" for index in range(11)))], PREFIX)
    assert (refusal.value.reason, refusal.value.resources) == ("policy_too_large", 11)


def test_a_claim_of_too_many_values_is_too_large() -> None:
    template = PolicyTemplate.of([Grant(publish=("rooms/{claims.rooms}",))])
    policy = compile_policy(template, Principal("ann", {"rooms": [f"room-{index}" for index in range(1000)]}))
    with pytest.raises(PolicyTooLarge):
        policy.documents(AccountRegion("eu-west-1", "123456789012"))
