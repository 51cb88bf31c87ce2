"""The documents, the session policy and the role of guests decide alike, judged by code that shares none with them.

Each example is a template and a principal. It is asked about every topic and filter of `probes`, and about client IDs
with each set of connect attributes: about 5,000 questions.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import product

from hypothesis import assume, event, given
from hypothesis import strategies as st

from iot_policies import InvalidTopics, Principal, UnsafeValue, compile_policy
from iot_policies.account_region import AccountRegion
from iot_policies.cognito_role import compile_cognito_role
from iot_policies.errors import ClientIdNotGranted, SessionPolicyTooLarge
from iot_policies.session_policy import LONGEST_SESSION_POLICY, compile_session_policy
from tests.effort import examples
from tests.policies.iam_reference import IDENTITY, decide
from tests.policies.probes import ACCOUNT, PREFIX, REGION, Messages, permitted, permitted_messages
from tests.policies.templates import Block, Case, cases

PLACE = AccountRegion(REGION, ACCOUNT)
TOPIC_ACTIONS = ("iot:Publish", "iot:RetainPublish", "iot:Subscribe", "iot:Receive", "iot:GetRetainedMessage")
_RESTS = ("b", "*", "${*}", "?", "$")
CLIENT_IDS = ("x", "x/b", "*", "", *"abc", *(f"{name}/{rest}" for name in "abc" for rest in _RESTS))
ATTRIBUTES = ((), ("LastWill",), ("PersistentConnect",), ("LastWill", "PersistentConnect"))

_CONNECT = ("{principal}", "{principal}/*", "x", "x/*", "{claims.many}/*")
_OF_CLIENT = ("{client_id}", "a/{client_id}", "{client_id}/b", "a/{client_id}/#")


@dataclass(frozen=True)
class Asked:
    """A template and a principal, with the client ID of its credentials."""

    case: Case
    client_id: str

    @property
    def principal(self) -> Principal:
        return Principal(self.case.name, self.case.claims)

    def documents(self, client_id: str | None) -> list[str]:
        """What a custom authorizer answers to a client."""
        documents = compile_policy(self.case.template(), self.principal, client_id).documents(PLACE)
        return [json.dumps(document) for document in documents]


@st.composite
def _with_clients(draw: st.DrawFn, block: Block, *, of_client: bool, is_deny: bool) -> Block:
    """A block with client IDs and perhaps connect attributes, and perhaps with topics of the client ID."""
    more: dict[str, object] = {"connect": draw(st.lists(st.sampled_from(_CONNECT), max_size=1))}
    attributes = draw(st.sampled_from((None, *ATTRIBUTES[is_deny:])))
    if attributes is not None:
        more["connect_with"] = list(attributes)
    if of_client:
        key = draw(st.sampled_from(("publish", "subscribe")))
        more[key] = draw(st.lists(st.sampled_from(_OF_CLIENT), max_size=1))
    return {**block, **more}


@st.composite
def asked(draw: st.DrawFn, *, of_client: bool) -> Asked:
    """A template and a principal. `of_client`: the template may have `{client_id}`."""
    case = draw(cases(denials=draw(st.booleans())))
    grants = [draw(_with_clients(each, of_client=of_client, is_deny=False)) for each in case.grants]
    denies = [draw(_with_clients(each, of_client=of_client, is_deny=True)) for each in case.denies]
    case = replace(case, grants=(*grants, {"connect": ["{principal}", "{principal}/*"]}), denies=tuple(denies))
    client_ids = (case.name, case.name, *(f"{case.name}/{rest}" for rest in _RESTS), "x")
    return Asked(case, draw(st.sampled_from(client_ids)))


def topics_allowed(policies: Sequence[str], identity: str = "") -> tuple[dict[str, frozenset[str]], Messages]:
    """What policies allow for each action on topics, and which direct messages.

    `identity` is the value of the identity's variable.
    """
    documents = [json.loads(policy.replace(f"${{{IDENTITY}}}", identity)) for policy in policies]
    return {action: permitted(documents, action) for action in TOPIC_ACTIONS}, permitted_messages(documents)


def clients_allowed(policies: Sequence[str], identity: str = "") -> set[tuple[str, tuple[str, ...]]]:
    """The client IDs that policies allow, each with the attributes of the CONNECT."""
    return {
        (client_id, attributes)
        for client_id, attributes in product(CLIENT_IDS, ATTRIBUTES)
        if decide(policies, "iot:Connect", f"{PREFIX}client/{client_id}", attributes, {IDENTITY: identity})
    }


@given(asked(of_client=True))
@examples(0.5)
def test_a_session_policy_decides_as_the_documents_do_and_for_one_client_id_only(asked: Asked) -> None:
    try:
        documents = asked.documents(asked.client_id)
        session = compile_session_policy(
            asked.case.template(), asked.principal, client_id=asked.client_id, place=PLACE
        ).text
    except (UnsafeValue, ClientIdNotGranted, SessionPolicyTooLarge) as error:
        event(error.reason)
        assume(False)
    assert len(session) <= LONGEST_SESSION_POLICY
    assert topics_allowed([session]) == topics_allowed(documents)
    assert clients_allowed([session]) == {each for each in clients_allowed(documents) if each[0] == asked.client_id}


@given(asked(of_client=True))
@examples(0.2)
def test_an_end_adds_one_condition_to_each_statement_that_allows_and_changes_nothing_else(asked: Asked) -> None:
    compiled = partial(
        compile_session_policy, asked.case.template(), asked.principal, client_id=asked.client_id, place=PLACE
    )
    try:
        ending = json.loads(compiled(expires=1_800_000_000).text)
    except (UnsafeValue, ClientIdNotGranted, SessionPolicyTooLarge):
        assume(False)
    for statement in ending["Statement"]:
        if statement["Effect"] == "Allow":
            assert statement["Condition"].pop("DateLessThan") == {"aws:CurrentTime": "2027-01-15T08:00:00Z"}
            if not statement["Condition"]:
                del statement["Condition"]
    assert ending == json.loads(compiled().text)


@given(asked(of_client=False))
@examples(0.5)
def test_the_role_of_guests_decides_as_the_documents_of_each_guest_do(asked: Asked) -> None:
    try:
        role = compile_cognito_role(asked.case.template(), PLACE, asked.case.claims)
    except InvalidTopics:
        event("refused")
        assume(False)
    documents = asked.documents(None)
    assert topics_allowed([role], asked.case.name) == topics_allowed(documents)
    assert clients_allowed([role], asked.case.name) == clients_allowed(documents)
