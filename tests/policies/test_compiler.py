"""From a template and a principal to statements."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iot_policies import Deny, Grant, NothingGranted, PolicyTemplate, Principal, compile_policy
from iot_policies.account_region import AccountRegion
from iot_policies.compiler import Policy
from iot_policies.grants import ConnectAttribute
from iot_policies.packing import ConditionBlock
from tests.policies.probes import ACCOUNT, PREFIX, REGION
from tests.policies.reference import decide


def compiled(*blocks: Grant | Deny, client_id: str | None = None, **claims: object) -> Policy:
    return compile_policy(PolicyTemplate.of(blocks), Principal("ann", claims), client_id)


def summary(policy: Policy) -> list[tuple[str, set[str], set[str]]]:
    return [(each.heading.effect, set(each.heading.actions), set(each.resources)) for each in policy.statements]


@pytest.mark.parametrize(
    "grants",
    [
        [Grant(publish=("a", "a")), Grant(publish=("a",))],
        pytest.param([Grant(publish=("{principal}", "ann"))], id="equal by their values"),
    ],
)
def test_equal_entries_are_one_resource(grants: list[Grant]) -> None:
    (statement,) = compiled(*grants).statements
    assert len(statement.resources) == 1


def test_resources_with_the_same_effect_and_actions_share_a_statement() -> None:
    assert summary(compiled(Grant(publish=("a",)), Grant(publish=("b",)), Deny(publish=("c",)))) == [
        ("Allow", {"iot:Publish"}, {"topic/a", "topic/b"}),
        ("Deny", {"iot:Publish"}, {"topic/c"}),
    ]


def test_a_topic_that_is_published_and_received_is_one_resource() -> None:
    statements = compiled(Grant(publish=("a",), subscribe=("a",))).statements
    assert [resource for each in statements for resource in each.resources].count("topic/a") == 1


def test_the_order_of_grants_makes_no_second_statement_of_the_same_actions() -> None:
    one, other = Grant(publish=("a",), subscribe=("a",)), (Grant(subscribe=("b",)), Grant(publish=("b",)))
    statements = compiled(one, *other).statements
    kinds = [(each.heading.effect, frozenset(each.heading.actions)) for each in statements]
    assert len(kinds) == len(set(kinds))


def test_a_document_has_the_version_that_knows_variables_and_arns_with_partition_region_and_account() -> None:
    (document,) = compiled(Grant(publish=("a",))).documents(AccountRegion("cn-north-1", "42", "aws-cn"))
    assert document["Version"] == "2012-10-17"
    assert document["Statement"][0]["Resource"] == ["arn:aws-cn:iot:cn-north-1:42:topic/a"]


@pytest.mark.parametrize("block", [Grant(when={"role": "x"}, publish=("a",)), Deny(publish=("a",))])
def test_neither_a_grant_that_does_not_apply_nor_a_deny_is_a_policy(block: Grant | Deny) -> None:
    with pytest.raises(NothingGranted) as refusal:
        compiled(block)
    assert refusal.value.reason == "nothing_granted"


def test_a_denial_that_does_not_apply_denies_nothing() -> None:
    assert len(compiled(Grant(publish=("a",)), Deny(when={"suspended": True}, publish=("#",))).statements) == 1


NOT_BOTH: ConditionBlock = {
    "ForAllValues:StringNotEquals": {"iot:ConnectAttributes": ["LastWill", "PersistentConnect"]}
}
ONLY_WILL: ConditionBlock = {"ForAllValues:StringEquals": {"iot:ConnectAttributes": ["LastWill"]}}
ANY_WILL: ConditionBlock = {"ForAnyValue:StringEquals": {"iot:ConnectAttributes": ["LastWill"]}}


def test_the_connect_attributes_of_each_block_are_a_condition_of_its_own() -> None:
    attributes: list[tuple[ConnectAttribute, ...] | None] = [None, ("LastWill",), ()]
    grants = [Grant(connect=("a",), connect_with=each) for each in attributes]
    policy = compiled(*grants, Deny(connect=("a",), connect_with=("LastWill",)))
    found = [each.heading.condition for each in policy.statements]
    assert found == [None, ONLY_WILL, NOT_BOTH, ANY_WILL]


def test_connect_attributes_are_no_condition_on_topics() -> None:
    policy = compiled(Grant(connect=("a",), connect_with=("LastWill",), publish=("b",)))
    assert {each.heading.actions: each.heading.condition is None for each in policy.statements} == {
        ("iot:Connect",): False,
        ("iot:Publish",): True,
    }


@pytest.mark.parametrize(
    ("client_id", "expected"),
    [("ann", True), ("ann/phone", True), ("ann/", True), ("ann-marie", False), ("an", False), ("", False)],
)
def test_a_client_id_is_granted_whole_or_behind_a_slash(client_id: str, expected: bool) -> None:
    assert compiled(Grant(connect=("{principal}", "{principal}/*"))).may_connect(client_id) is expected


def test_a_denied_client_id_may_not_connect() -> None:
    policy = compiled(Grant(connect=("ann/*",)), Deny(connect=("ann/old*",)))
    assert [policy.may_connect(each) for each in ("ann/new", "ann/old", "ann/older")] == [True, False, False]


def test_a_denial_of_connect_attributes_does_not_deny_the_client_id() -> None:
    policy = compiled(Grant(connect=("a",)), Deny(connect=("a",), connect_with=("LastWill",)))
    assert policy.may_connect("a")


def test_a_topic_does_not_grant_the_client_id_of_its_name() -> None:
    assert not compiled(Grant(publish=("a", "client/a"))).may_connect("a")


def test_the_client_id_that_the_client_named_is_granted() -> None:
    assert compiled(Grant(connect=("{client_id}",)), client_id="phone").may_connect("phone")


_client_ids = st.text("ab/", min_size=1, max_size=4)
_grants = st.lists(
    st.one_of(_client_ids, _client_ids.map(lambda text: text.rstrip("/") + "a/*")), min_size=1, max_size=3
)
_denials = st.lists(st.one_of(_client_ids, _client_ids.map(lambda text: text + "*")), max_size=2)


@given(_grants, _denials, _client_ids)
def test_may_connect_says_what_the_documents_say(granted: list[str], denied: list[str], client_id: str) -> None:
    policy = compiled(Grant(connect=tuple(granted)), Deny(connect=tuple(denied)))
    documents = policy.documents(AccountRegion(REGION, ACCOUNT))
    assert policy.may_connect(client_id) == decide(documents, "iot:Connect", f"{PREFIX}client/{client_id}")
