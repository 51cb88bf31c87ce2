"""The checker accepts what `prove` wrote, and finds every change of it and of the policies."""

import ast
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from iot_authorizer_cli.checking import certificate_checker
from iot_authorizer_cli.checking.certificate_checker import can_meet, check, texts_meet
from iot_policies import PolicyError, PolicyTemplate, Principal, compile_policy
from iot_policies.account_region import EXAMPLE_PLACE
from iot_policies.proofs import prove
from iot_policies.proofs.certificate import certificate, certificate_hash
from tests import ROOT

TEMPLATE = ROOT / "policies/fleet.toml"
FOLDER = Path(certificate_checker.__file__).parent
Certificate = dict[str, Any]


def rendered(asked: Sequence[Mapping[str, Any]]) -> Sequence[Any]:
    """What `iot-authorizer render` answers."""
    template = PolicyTemplate.load(TEMPLATE)
    answers: list[Any] = []
    for each in asked:
        try:
            policy = compile_policy(template, Principal(each["principal"], each["claims"]), each["client_id"])
            answers.append(policy.documents(EXAMPLE_PLACE))
        except PolicyError as error:
            answers.append({"refused": error.reason})
    return answers


@pytest.fixture
def found() -> Certificate:
    template = PolicyTemplate.load(TEMPLATE)
    return certificate(template, prove(template), name="fleet.toml", content=TEMPLATE.read_bytes())


def problems(of: Certificate, render: Callable[..., Sequence[Any]] = rendered, principals: int = 0) -> list[str]:
    return list(check(of, TEMPLATE.read_bytes(), render, principals=principals))


def test_a_certificate_holds(found: Certificate) -> None:
    assert problems(found, principals=20) == []


def test_two_certificates_of_one_template_are_equal(found: Certificate) -> None:
    template = PolicyTemplate.load(TEMPLATE)
    again = certificate(template, prove(template), name="fleet.toml", content=TEMPLATE.read_bytes())
    assert certificate_hash(again) == certificate_hash(found)


DENYING, REACHED = "grant[0].publish[1]", "grant[1].publish[0]"


def without_a_pair(of: Certificate) -> None:
    del of["pairs"]["iot:Publish"][DENYING][REACHED]


def without_an_entry(of: Certificate) -> None:
    del of["entries"][REACHED]


def with_a_lost_denial(of: Certificate) -> None:
    of["entries"][DENYING]["actions"]["iot:Publish"]["deny"] = []


def with_other_documents(of: Certificate) -> None:
    of["examples"][0].update(documents="0" * 64)
    of["examples"][0].pop("refused", None)


def with_another_template(of: Certificate) -> None:
    of["template"]["sha256"] = "0" * 64


def of_a_quick_proof(of: Certificate) -> None:
    of["left_out"] = ["example principals"]


def not_proved(of: Certificate) -> None:
    of["verdict"] = "not covered"


CHANGES: dict[Callable[[Certificate], None], str] = {
    without_a_pair: "the pair is missing for iot:Publish",
    without_an_entry: "other entries than the template",
    with_a_lost_denial: "not rendered in the shape of the lemma",
    with_other_documents: "another policy",
    with_another_template: "its hash differs",
    of_a_quick_proof: "does not say that the template is proved",
    not_proved: "does not say that the template is proved",
}


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_a_changed_certificate_does_not_hold(found: Certificate, change: Callable[[Certificate], None]) -> None:
    change(found)
    assert any(CHANGES[change] in line for line in problems(found))


@pytest.mark.parametrize("effect", ["Allow", "Deny"])
def test_a_policy_that_loses_a_resource_is_found_with_random_principals(found: Certificate, effect: str) -> None:
    def faulty(asked: Sequence[Mapping[str, Any]]) -> Sequence[Any]:
        answers = rendered(asked)
        for statement in (each for answer in answers if isinstance(answer, list) for each in answer[0]["Statement"]):
            if statement["Effect"] == effect:
                del statement["Resource"][0]
        return answers

    found["examples"] = []
    lines = problems(found, faulty, principals=20)
    assert lines
    assert all(line.startswith("principal ") for line in lines)


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
