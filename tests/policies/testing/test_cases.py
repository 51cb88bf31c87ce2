"""Tests beside a template: how their file is read, and what becomes of each case."""

from pathlib import Path

import pytest

from iot_policies import Grant, InvalidFile, PolicyTemplate
from iot_policies.testing.cases import load_tests, run_tests
from tests import READY

CHAT = """\
[[grant]]
name      = "rooms"
connect   = ["{principal}", "{principal}/*"]
publish   = ["rooms/{claims.rooms}/say/{principal}", "devices/{client_id}/state"]
subscribe = ["rooms/{claims.rooms}/#"]
"""
HEAD = 'policy = "chat.toml"\n[[test]]\nprincipal = "ann"\n'


def accept(question: str, resource: str) -> None:
    """Accepts every topic, as if IoT Core had no limits."""
    if resource == "refused":
        raise ValueError(f"cannot {question} it")


@pytest.fixture
def tests(tmp_path: Path) -> Path:
    """A file for tests, beside a template."""
    (tmp_path / "chat.toml").write_text(CHAT)
    return tmp_path / "chat.test.toml"


def failures(path: Path) -> list[str]:
    found = load_tests(path, accept)
    outcomes = run_tests(PolicyTemplate.load(found.policy), found.cases)
    return [f"{found.place_of(each.case)}: {each.case}" for each in outcomes if not each.passed]


ERRORS = {
    "no policy": ('[[test]]\nprincipal = "ann"\nmay = ["connect a"]', "policy: is missing"),
    "another policy": (HEAD.replace("chat", "caht") + 'may = ["connect a"]', ":1: policy: expected a policy template"),
    "a template": (CHAT, "this is a policy template: expected tests of a template, such as "),
    "a configuration": ('name = "chat"\npolicy = "chat.toml"', "this is a configuration: expected tests of a template"),
    "no tests": ('policy = "chat.toml"', "test: is missing"),
    "an empty list": ('policy = "chat.toml"\ntest = []', ":2: test: "),
    "a table": ('policy = "chat.toml"\n[test]\nprincipal = "a"', "expected [[test]], with two brackets"),
    "no principal": ('policy = "chat.toml"\n[[test]]\nmay = ["connect a"]', "test[0].principal: is missing"),
    "an empty principal": (HEAD.replace("ann", ""), "test[0].principal"),
    "an invisible sign in a name": (HEAD.replace("ann", "a\u200bnn"), "the authorizer refuses such names"),
    "no case": (HEAD, ":2: test[0]: expected may or may_not, with at least one line"),
    "a misspelled key": (
        f'{HEAD}mai_not = ["connect a"]',
        ":4: test[0].mai_not: is not a key of this table",
    ),
    "a text for a list": (f'{HEAD}may = "connect a"', ":4: test[0].may: expected a list"),
    "a number": (f"{HEAD}may = [\n7]", ":5: test[0].may[0]: expected a string"),
    "a misspelled action": (
        f'{HEAD}may = [\n"connect a",\n"pubish a"]',
        ":6: test[0].may[1]: expected connect, publish,",
    ),
    "its correction": (f'{HEAD}may = ["pubish a"]', "found 'pubish': did you mean publish?"),
    "no topic": (f'{HEAD}may_not = ["publish"]', "may_not[0]: expected a topic behind the action"),
    "no client ID": (f'{HEAD}may_not = ["connect "]', "may_not[0]: expected a client ID behind the action"),
    "two spaces": (f'{HEAD}may_not = ["publish  a"]', "expected one space behind the action"),
    "a space at the end": (f'{HEAD}may_not = ["publish a "]', "expected one space behind the action"),
    "an impossible topic": (f'{HEAD}may_not = [\n"publish refused"]', ":5: test[0].may_not[0]: cannot publish it"),
    "a date as a claim": (f'{HEAD}claims = {{ a = 2027-01-01 }}\nmay = ["connect a"]', ":4: test[0].claims: expected "),
    "an unknown connect attribute": (
        f'{HEAD}connect_with = ["Will"]',
        ":4: test[0].connect_with[0]: expected 'LastWill'",
    ),
}


@pytest.mark.parametrize(("content", "expected"), ERRORS.values(), ids=ERRORS)
def test_an_invalid_file_is_refused_with_its_line_and_key(tests: Path, content: str, expected: str) -> None:
    tests.write_text(content)
    with pytest.raises(InvalidFile) as caught:
        load_tests(tests, accept)
    assert expected in str(caught.value)


def test_a_test_passes_if_the_template_allows_and_denies_what_it_says(tests: Path) -> None:
    lines = 'claims = { rooms = ["a"] }\nmay = ["publish rooms/a/say/ann"]\nmay_not = ["subscribe rooms/b/#"]\n'
    tests.write_text(HEAD + lines)
    assert failures(tests) == []


def test_each_case_that_fails_is_named_with_its_line(tests: Path) -> None:
    tests.write_text(f'{HEAD}may = [\n  "connect ann",\n  "connect bob",\n]\nmay_not = ["connect ann"]\n')
    assert failures(tests) == [f"{tests}:6: ann may connect bob", f"{tests}:8: ann may not connect ann"]


def test_the_name_of_a_test_is_part_of_its_cases(tests: Path) -> None:
    tests.write_text(f'{HEAD}name = "a stranger"\nmay = ["connect bob"]\n')
    assert failures(tests) == [f"{tests}:5: a stranger (ann) may connect bob"]


def test_a_client_id_fills_its_placeholder(tests: Path) -> None:
    state = "publish devices/ann/state"
    tests.write_text(f'{HEAD}client_id = "ann"\nmay = ["{state}"]\n[[test]]\nprincipal = "ann"\nmay_not = ["{state}"]')
    assert failures(tests) == []


def test_a_client_id_that_is_not_granted_fails(tests: Path) -> None:
    tests.write_text(f'{HEAD}client_id = "bob"\nmay_not = ["publish rooms/a/say/ann"]\n')
    assert failures(tests) == [f"{tests}:4: ann may connect bob"]


def test_the_connect_attributes_of_a_test_are_asked_for(tests: Path) -> None:
    tests.with_name("chat.toml").write_text('[[grant]]\nconnect = ["{principal}"]\nconnect_with = ["LastWill"]\n')
    tests.write_text(
        f'{HEAD}connect_with = ["LastWill"]\nmay = ["connect ann"]\n'
        '[[test]]\nprincipal = "ann"\nconnect_with = ["PersistentConnect"]\nmay_not = ["connect ann"]\n'
    )
    assert failures(tests) == []


def test_the_topic_prefix_is_put_in_front_of_topics_but_not_of_client_ids_and_reserved_topics(tests: Path) -> None:
    lines = ["connect ann", "publish a/b", "subscribe $share/g/a/#", "publish $aws/x"]
    tests.write_text(f"{HEAD}may = {lines}")
    grant = Grant(connect=("{principal}",), publish=("a/b", "$aws/x"), subscribe=("$share/g/a/#",))
    template = PolicyTemplate.of([grant], topic_prefix="shop/dev")
    assert [each.passed for each in run_tests(template, load_tests(tests, accept).cases)] == [True] * len(lines)


@pytest.mark.parametrize("path", READY, ids=lambda path: path.stem)
def test_the_tests_of_a_ready_template_pass(path: Path) -> None:
    assert failures(path.with_suffix(".test.toml")) == []
