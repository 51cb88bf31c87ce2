"""What `convert acl` proves, against a second reading of mosquitto's rules, topic by topic."""

from collections.abc import Iterator
from itertools import product
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from iot_authorizer_cli.commands.convert.acl_file import AclFile, Use, read_acl
from iot_authorizer_cli.commands.convert.clients import clients
from iot_authorizer_cli.commands.convert.conversion import ANONYMOUS, AllowedClientIds, Conversion, convert
from iot_authorizer_cli.commands.convert.differences import AclDifference, ClientComparison
from iot_authorizer_cli.commands.convert.template_blocks import template_text
from iot_policies import PolicyTemplate, Principal
from iot_policies.account_region import EXAMPLE_PLACE
from iot_policies.compiler import compile_policy
from iot_policies.errors import PolicyError
from iot_policies.evaluator import Evaluator
from iot_policies.packing import compact
from tests.cli.commands.convert.mosquitto_rules import READ, WRITE, Mosquitto, matches
from tests.cli.commands.convert.random_acls import LEVELS, USERS, acls
from tests.effort import examples

WORDS = (*LEVELS, "x-ann", "other")
TOPICS = [
    topic
    for length, words in ((1, 9), (2, 9), (3, 5), (4, 2))
    for topic in map("/".join, product(WORDS[:words], repeat=length))
    if topic
]
ACCESS: dict[Use | None, int] = {"write": WRITE, "read": READ}
PREFIX = EXAMPLE_PLACE.arn_prefix("iot")


class Converted:
    """An ACL file and its template."""

    def __init__(self, text: str, client_ids: AllowedClientIds) -> None:
        self.mosquitto = Mosquitto(text)
        self.client_ids = client_ids
        acl, bad = read_acl(text.encode())
        assert not bad
        self.acl: AclFile = acl
        self.conversion: Conversion = convert(acl, USERS, client_ids, anonymous=True)
        written = template_text(self.conversion.blocks, ["a heading"])
        self.template = PolicyTemplate.parse(written.encode(), Path("converted.toml"))

    def comparisons(self) -> Iterator[tuple[str | None, Principal, str, list[AclDifference]]]:
        """Each client with the differences that were found."""
        for _, client in clients(self.acl, self.conversion.claims, self.client_ids, anonymous=True):
            user = None if client.principal.name == ANONYMOUS else client.principal.name
            found = [*ClientComparison(self.template, client).differences()]
            yield user, client.principal, client.client_id, found


def evaluator(template: PolicyTemplate, principal: Principal, client_id: str) -> Evaluator:
    try:
        documents = compile_policy(template, principal, client_id).documents(EXAMPLE_PLACE)
    except PolicyError:
        documents = []
    return Evaluator(map(compact, documents))


def allowed_by(policy: Evaluator, topic: str) -> dict[Use | None, bool]:
    """What the real policy allows: to write is to publish with and without RETAIN, to read to subscribe and receive."""

    def allows(action: str, kind: str) -> bool:
        return policy.allows(f"iot:{action}", f"{PREFIX}{kind}/{topic}")

    return {
        "write": allows("Publish", "topic") and allows("RetainPublish", "topic"),
        "read": allows("Receive", "topic") and allows("Subscribe", "topicfilter"),
    }


@examples(0.3)
@given(acls(), st.sampled_from(AllowedClientIds))
def test_what_is_not_reported_is_the_same_and_what_is_reported_differs(text: str, client_ids: AllowedClientIds) -> None:
    converted = Converted(text, client_ids)
    for user, principal, client_id, found in converted.comparisons():
        policy = evaluator(converted.template, principal, client_id)
        for kind, use, topic, *_ in found:
            assert kind in ("lost", "too much")
            is_allowed = converted.mosquitto.allows(user, client_id, ACCESS[use], topic)
            assert (is_allowed, allowed_by(policy, topic)[use]) == (kind == "lost", kind == "too much")
        for topic in TOPICS:
            here = allowed_by(policy, topic)
            for use, access in ACCESS.items():
                if here[use] != converted.mosquitto.allows(user, client_id, access, topic):
                    told = [each.rule for each in found if each.use == use]
                    assert any(rule is None or matches(rule.topic_filter, topic) for rule in told), (user, use, topic)


@given(acls(), st.sampled_from(AllowedClientIds))
def test_a_template_never_allows_what_mosquitto_denies(text: str, client_ids: AllowedClientIds) -> None:
    for _, _, _, found in Converted(text, client_ids).comparisons():
        assert not [each for each in found if each.kind == "too much"]
