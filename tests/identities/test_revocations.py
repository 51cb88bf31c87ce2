"""Revocations as items of the table."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iot_identities.reading import MalformedItem
from iot_identities.revocations import Kind, Revocation, before_id, from_item, principal_id, to_item, token_id

names = st.text(min_size=1)
revocations = st.one_of(
    st.builds(
        Revocation, st.just(Kind.PRINCIPAL), st.integers(0), principal=names, issued_before=st.none() | st.integers(0)
    ),
    st.builds(Revocation, st.just(Kind.TOKEN), st.integers(0), issuer=names, token_id=names),
    st.builds(
        Revocation,
        st.just(Kind.BEFORE),
        st.integers(0),
        issuer=st.none() | names,
        issued_before=st.integers(0),
        expires_at=st.none() | st.integers(0),
    ),
)


@given(revocations)
def test_a_revocation_comes_back_from_its_item(revocation: Revocation) -> None:
    assert from_item(to_item(revocation)) == revocation


@given(st.text(), st.text())
def test_ids_are_short_whatever_a_token_holds(issuer: str, token: str) -> None:
    assert max(len(each) for each in (principal_id(token), token_id(issuer, token), before_id(issuer))) < 128


@given(st.tuples(names, names), st.tuples(names, names))
def test_two_tokens_share_no_id(one: tuple[str, str], other: tuple[str, str]) -> None:
    assert (token_id(*one) == token_id(*other)) == (one == other)


@pytest.mark.parametrize(
    ("issued_before", "issued_at", "revoked"),
    [(100, 99, True), (100, 99.9, True), (100, 100, False), (100, 101, False), (100, None, True), (None, 10**10, True)],
)
def test_tokens_issued_before_the_time_are_revoked_and_without_a_time_all(
    issued_before: int | None, issued_at: float | None, revoked: bool
) -> None:
    assert Revocation(Kind.PRINCIPAL, 0, principal="ann", issued_before=issued_before).concerns(issued_at) is revoked


def test_a_principal_and_an_issuer_of_one_name_share_no_id() -> None:
    assert principal_id("ann") != before_id("ann")


@pytest.mark.parametrize(
    "changes",
    [{"kind": "everybody"}, {"kind": None}, {"issued_before": "now"}, {"revoked_at": None}, {"principal": 7}],
)
def test_an_item_that_is_not_as_written_is_malformed(changes: dict[str, object]) -> None:
    with pytest.raises(MalformedItem):
        from_item(to_item(Revocation(Kind.PRINCIPAL, 0, principal="ann")) | changes)
