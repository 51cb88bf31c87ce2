"""The IDs of identities: made without being stored, and recognized."""

import re

from hypothesis import given
from hypothesis import strategies as st

from iot_core.iam.identity_pool import IdentityPool

POOL = IdentityPool("eu-west-1", b"secret")
OTHER = IdentityPool("eu-west-1", b"another secret")
GUEST = POOL.new_guest()
FORM = r"eu-west-1:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"


def test_an_identity_has_the_form_that_aws_documents() -> None:
    for identity in (POOL.new_guest(), POOL.user("provider", "ann")):
        assert re.fullmatch(FORM, identity)


def test_each_guest_is_another_one() -> None:
    assert len({POOL.new_guest() for _ in range(100)}) == 100


def test_a_guest_is_no_user_and_belongs_to_one_data_folder() -> None:
    guest, user = POOL.new_guest(), POOL.user("provider", "ann")
    assert [POOL.is_guest(guest), POOL.is_user(guest), OTHER.is_guest(guest)] == [True, False, False]
    assert [POOL.is_user(user), POOL.is_guest(user), OTHER.is_user(user)] == [True, False, False]


@given(st.tuples(st.text(), st.text()), st.tuples(st.text(), st.text()))
def test_two_logins_have_two_identities(one: tuple[str, str], other: tuple[str, str]) -> None:
    assert (POOL.user(*one) == POOL.user(*other)) == (one == other)


@given(st.data())
def test_a_changed_id_is_of_no_identity(data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(GUEST) - 1))
    changed = GUEST[:index] + data.draw(st.sampled_from("0af-:{A\n")) + GUEST[index + 1 :]
    assert changed == GUEST or not (POOL.is_guest(changed) or POOL.is_user(changed))


@given(st.text())
def test_any_text_is_of_no_identity(text: str) -> None:
    assert not POOL.is_guest(text)
    assert not POOL.is_user(f"eu-west-1:{text}")
