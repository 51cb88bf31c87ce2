"""The checker accepts what `prove` wrote, and finds changes of it and of the policies."""

import ast
import hashlib
import json
import sys
import tomllib
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

import iot_policies
from iot_authorizer_cli.checking import certificate_checker
from iot_authorizer_cli.checking.certificate_checker import can_meet, check, program_in, shape, texts_meet
from iot_authorizer_cli.checking.template_lines import lines_of
from iot_policies import PolicyError, PolicyTemplate, Principal, compile_policy
from iot_policies.account_region import EXAMPLE_PLACE
from iot_policies.proofs import prove
from iot_policies.proofs.certificate import certificate, certificate_hash
from iot_policies.proofs.prover import ASSUMPTIONS
from tests import ROOT
from tests.cli.checking.changed_certificates import CHANGES, Certificate

pytestmark = pytest.mark.slow

TEMPLATE = ROOT / "policies/fleet.toml"
FOLDER = Path(certificate_checker.__file__).parent
PROGRAM = program_in(Path(iot_policies.__file__).parent, ASSUMPTIONS)


def rendered(asked: Sequence[Mapping[str, Any]], template: PolicyTemplate | None = None) -> Sequence[Any]:
    """What `iot-authorizer render` answers."""
    template = template or PolicyTemplate.load(TEMPLATE)
    answers: list[Any] = []
    for each in asked:
        try:
            policy = compile_policy(template, Principal(each["principal"], each["claims"]), each["client_id"])
            answers.append(policy.documents(EXAMPLE_PLACE))
        except PolicyError as error:
            answers.append({"refused": error.reason})
    return answers


@cache
def proved() -> str:
    template = PolicyTemplate.load(TEMPLATE)
    return json.dumps(certificate(template, prove(template), name="fleet.toml", content=TEMPLATE.read_bytes()))


@pytest.fixture
def found() -> Certificate:
    of: Certificate = json.loads(proved())
    return of


def problems(of: Certificate, render: Callable[..., Sequence[Any]] = rendered, principals: int = 0) -> list[str]:
    return list(check(of, TEMPLATE.read_bytes(), render, PROGRAM, principals=principals))


def test_a_certificate_holds(found: Certificate) -> None:
    assert problems(found, principals=20) == []


def test_two_certificates_of_one_template_are_equal(found: Certificate) -> None:
    template = PolicyTemplate.load(TEMPLATE)
    again = certificate(template, prove(template), name="fleet.toml", content=TEMPLATE.read_bytes())
    assert certificate_hash(again) == certificate_hash(found)


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_a_changed_certificate_does_not_hold(found: Certificate, change: Callable[[Certificate], None]) -> None:
    change(found)
    assert any(CHANGES[change] in line for line in problems(found))


Documents = list[dict[str, Any]]
ARN = "arn:aws:iot:us-east-1:123456789012:"


def with_resources(documents: Documents, old: str, new: str) -> Documents:
    changed: Documents = json.loads(json.dumps(documents).replace(f'"{old}', f'"{new}'))
    return changed


def also_allowed(documents: Documents, action: str, resource: str) -> Documents:
    statement = {"Effect": "Allow", "Action": [action], "Resource": [resource]}
    return [*documents, {"Version": "2012-10-17", "Statement": [statement]}]


def without_first(documents: Documents, effect: str) -> Documents:
    for statement in documents[0]["Statement"]:
        if statement["Effect"] == effect:
            del statement["Resource"][0]
    documents[0]["Statement"] = [each for each in documents[0]["Statement"] if each["Resource"]]
    return documents


FAULTS: dict[str, tuple[Callable[[Documents], Any], str]] = {
    "an Allow is lost": (lambda found: without_first(found, "Allow"), ": iot:"),
    "a Deny is lost": (lambda found: without_first(found, "Deny"), ": iot:"),
    "another type": (
        lambda found: with_resources(found, f"{ARN}topicfilter/", f"{ARN}topic/"),
        "iot:Subscribe has",
    ),
    "any account": (lambda found: with_resources(found, ARN, "arn:aws:iot:*:*:"), "has the resource"),
    "all actions": (lambda found: also_allowed(found, "iot:*", f"{ARN}topic/*"), 'has the actions ["iot:*"]'),
    "another action": (lambda found: also_allowed(found, "iot:UpdateThingShadow", f"{ARN}thing/x"), "has the actions"),
    "all resources": (lambda found: also_allowed(found, "iot:Publish", "*"), 'has the resource "*"'),
    "many documents": (lambda found: found * 20, "documents: expected 1 to 10"),
    "no documents": (lambda _: [], "0 documents: expected 1 to 10"),
    "a long document": (
        lambda found: [{**found[0], "Statement": found[0]["Statement"] * 9}],
        "longer than 2048",
    ),
    "another version": (lambda found: [{**found[0], "Version": "2008-10-17"}], "another version"),
    "another key": (lambda found: [{**found[0], "Id": "x"}], "other keys than Version and Statement"),
    "every value is unsafe": (lambda _: {"refused": "unsafe_value"}, 'is refused: {"refused": "unsafe_value"}'),
    "every policy is too large": (lambda _: {"refused": "policy_too_large"}, "is refused"),
    "a refusal without a reason": (lambda _: {"refused": None}, "is refused"),
    "no answer": (lambda _: None, "is refused: null"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_the_policies_is_found_without_the_examples(found: Certificate, fault: str) -> None:
    change, expected = FAULTS[fault]

    def faulty(asked: Sequence[Mapping[str, Any]]) -> Sequence[Any]:
        return [change(each) if isinstance(each, list) else each for each in rendered(asked)]

    found["examples"] = []
    assert any(expected in line for line in problems(found, faulty) if line.startswith("principal "))


def test_a_policy_for_a_principal_that_must_get_none_is_found(found: Certificate) -> None:
    def faulty(asked: Sequence[Mapping[str, Any]]) -> Sequence[Any]:
        (policy,) = rendered([{"principal": "ann", "claims": {"role": "device"}, "client_id": None}])
        return [policy if isinstance(each, dict) else each for each in rendered(asked)]

    lines = problems(found, faulty, principals=100)
    assert any("has a policy: expected a refusal for unsafe_value" in line for line in lines)


def test_a_block_that_random_principals_hardly_meet_is_tried() -> None:
    text = b'[[grant]]\npublish = ["a"]\n[[deny]]\nwhen = { a = "k1", b = "k2", c = "k3", d = "k4" }\npublish = ["a"]\n'
    template = PolicyTemplate.parse(text, "x")
    of = certificate(template, prove(template), name="x", content=text)

    def without_denials(asked: Sequence[Mapping[str, Any]]) -> Sequence[Any]:
        answers = rendered(asked, template)
        for statements in (each[0]["Statement"] for each in answers if isinstance(each, list)):
            statements[:] = [each for each in statements if each["Effect"] == "Allow"]
        return answers

    of = json.loads(json.dumps({**of, "examples": []}))
    lines = check(of, text, without_denials, PROGRAM, principals=0)
    assert any("iot:Publish a" in line for line in lines)


TRUE: dict[str, str] = {
    "an entry inside other ones for some values": """
        [[grant]]
        when = { x = true }
        publish = ["a/#"]
        subscribe = ["$share/g/a/#"]
        [[grant]]
        when = { y = true }
        publish = ["b/+/#", "b/c/d/{claims.z}", "b/#"]
        [[grant]]
        publish = ["{principal}/+/x/+"]
        subscribe = ["$share/{claims.g}/{principal}/+"]
        """,
    "one claim, spelled in two ways": """
        [[grant]]
        when = { x = "on" }
        publish = ["a"]
        [[grant]]
        publish = ["b"]
        [[deny]]
        when = { x = "yes" }
        publish = ["b"]
        """,
    "a claim beside its own path": """
        [[grant]]
        publish = ["b/{claims.a}", "c"]
        [[deny]]
        when = { "a.b" = "x" }
        publish = ["c"]
        """,
    "numbers and booleans": """
        [[grant]]
        when = { n = [1, "1", true] }
        publish = ["n/{claims.n}"]
        [[deny]]
        when = { n = 7, off = false }
        publish = ["n/7"]
        """,
    "a deny of the client ID, and attributes of CONNECT": """
        [[grant]]
        connect = ["{principal}/*", "{claims.device}"]
        connect_with = ["LastWill"]
        subscribe = ["$share/{claims.g}/a/+", "c/{client_id}/#"]
        [[deny]]
        when = { "realm.off" = "*" }
        publish = ["x/{client_id}/+"]
        connect = ["*"]
        connect_with = ["PersistentConnect"]
        """,
    "direct messages": """
        [[grant]]
        when = { role = "x" }
        send = [
            { to = "{claims.x}", topics = ["a/{claims.x}", "b/+"] },
            { to = "{principal}/*", topics = ["#"] },
        ]
        receive = ["r/+"]
        read = ["k/#"]
        [[grant]]
        send = [{ to = "d", topics = ["a/b/c"] }]
        [[deny]]
        when = { off = true }
        send = [{ to = "x*", topics = ["a/#"] }, { to = "{client_id}", topics = ["b/c"] }]
        """,
    "blocks without entries": """
        [[grant]]
        when = { role = "x" }
        [[grant]]
        publish = ["a"]
        [[deny]]
        when = { off = 3 }
        """,
    "words": """
        [[grant]]
        when = { scope = ["read", "write"] }
        publish = ["s/{claims.scope}/+/{principal}"]
        [[deny]]
        when = { scope = "none" }
        publish = ["#"]
        """,
}


@pytest.mark.parametrize("name", TRUE)
def test_a_true_certificate_holds(name: str) -> None:
    text = dedent(TRUE[name])
    template = PolicyTemplate.parse(text.encode(), "x")
    proof = prove(template)
    of = json.loads(json.dumps(certificate(template, proof, name="x", content=text.encode())))
    assert proof.verdict == "proved"
    lines = check(of, text.encode(), lambda asked: rendered(asked, template), PROGRAM, principals=100)
    assert list(lines) == []


@pytest.mark.parametrize(
    "entries",
    [
        'subscribe = ["$share/{claims.team}/a/#", "a/b/+", "$share/g/a/b/c/d"]',
        'publish = ["{principal}/+", "a/+/+/#"]',
        'publish = ["{principal}/x/+", "a/x/b/c"]',
        'publish = ["{principal}/+/c", "a/b/#"]',
        'send = [{ to = "{claims.x}", topics = ["a/+"] }, { to = "d", topics = ["a/b/c"] }]',
        'send = [{ to = "d/*", topics = ["a/+"] }, { to = "d/{claims.x}/y", topics = ["a/b/c"] }]',
        'publish = ["a/+/c", "a/{claims.x}/d/c", "{claims.x}/#"]',
    ],
)
def test_a_denial_that_takes_topics_away_is_found_in_any_certificate(entries: str) -> None:
    """No template that loads has such a denial: the pairs and policies of the certificate are made up."""
    text = f"[[grant]]\n{entries}\n".encode()
    lines = lines_of(tomllib.loads(text.decode()))
    actions = {line.place: {"text": line.text, "actions": _listed(shape(line, ""))} for line in lines}
    pairs = {
        action: {one.place: {other.place: "apart" for other in lines} for one in lines}
        for action in ("iot:Publish", "iot:Subscribe", "iot:Receive", "iot:SendDirectMessage")
    }
    template = {"name": "x", "sha256": hashlib.sha256(text).hexdigest(), "topic_prefix": ""}
    of = {**json.loads(proved()), "template": template, "entries": actions, "pairs": pairs, "examples": []}
    found = check(of, text, lambda asked: [{"refused": "x"} for _ in asked], PROGRAM, principals=0)
    assert any("may take topics of" in line for line in found)


def _listed(of: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, list[str]]]:
    return {action: {key: [*globs] for key, globs in each.items()} for action, each in of.items()}


@pytest.mark.parametrize(
    ("glob", "levels", "expected"),
    [
        ("a/*/*", "a/+", False),
        ("a/*/*", "a/#", True),
        ("a/*/*", "a/b/c", True),
        ("$*/a", "+/a", False),
        ("$*/a", "$x/a", True),
        ("a/#", "a/+", False),
        ("a/{principal}/*/*", "a/{claims.x}/b/{principal}", True),
        ("a/{principal}-x/*", "a/{claims.x}/b", True),
        ("a/{principal}-x/*", "a/{claims.x}y/b", False),
    ],
)
def test_a_denial_meets_an_entry(glob: str, levels: str, expected: bool) -> None:
    assert can_meet(glob.split("/"), levels.split("/")) is expected


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [("a", "a", True), ("{x}", "$a", False), ("{x}b", "ab", True), ("{x}b", "b", False), ("a{x}", "{y}a", True)],
)
def test_texts_with_placeholders_can_be_equal(one: str, other: str, expected: bool) -> None:
    assert texts_meet(one, other) is expected


def test_it_imports_only_the_standard_library_and_itself() -> None:
    for path in FOLDER.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module:
                top = node.module.partition(".")[0]
                assert top in sys.stdlib_module_names or node.module.startswith("iot_authorizer_cli.checking.")
