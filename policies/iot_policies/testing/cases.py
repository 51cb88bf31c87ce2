"""Tests of a template: a TOML file beside it says what principals may and may not do.

1. `policy` names the template. Each `[[test]]` is one client: a principal, its claims, and perhaps a client ID.
2. A line of `may` or `may_not`, such as `publish rooms/lobby/say/ann`, is a case: an action as in `explain`, and a
   client ID, a topic or a topic filter; for `send` a client ID and a topic.
3. Topics are written as in the template. The topic prefix is put in front of both, so a test fits every stage.
4. The authorizer refuses a client whose client ID is not granted. So a `client_id` is also a case: `may` connect.
5. The compiler and the evaluator decide each case, as IoT Core would (`explaining.py`).
6. A file in which no case could fail is an error: one without tests, and a test without cases.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, NamedTuple, get_args

from pydantic import AfterValidator, Field

from iot_policies.errors import InvalidFile
from iot_policies.explaining import QUESTION_NAMES, Question, explain, is_allowed
from iot_policies.grants import ConfiguredClaims, ConnectAttribute, StrictModel
from iot_policies.names import name_problem
from iot_policies.principal import Principal
from iot_policies.template import PolicyTemplate
from iot_policies.toml_file import Location, invalid_file, place_of, read_toml
from iot_policies.topic_prefix import below
from iot_policies.topics import as_written, check_direct_message, direct_message, joined, split, split_message

SUFFIX = ".test.toml"
"""The end of the name of a file with tests; in front of it is the template's name."""
_QUESTIONS: tuple[Question, ...] = get_args(Question)


def without_tests(paths: Iterable[Path]) -> list[Path]:
    """The paths that are not of tests: `policies/*.toml` names templates and tests."""
    return [path for path in paths if not path.name.endswith(SUFFIX)]


def _checked_line(line: str) -> str:
    action, _, resource = line.partition(" ")
    if action not in _QUESTIONS:
        alike = get_close_matches(action, _QUESTIONS, 1)
        hint = f": did you mean {alike[0]}?" if alike else ""
        raise ValueError(f"expected {QUESTION_NAMES}, found {action!r}{hint}")
    if not resource:
        noun = "a client ID" if action == "connect" else "a topic"
        raise ValueError(f'expected {noun} behind the action, as in "publish rooms/lobby/say/ann"')
    if resource != resource.strip():
        raise ValueError("expected one space behind the action, and none at the end")
    if action == "send":
        check_direct_message(resource)
    return line


def _checked_name(name: str) -> str:
    if (problem := name_problem(name)) is not None:
        raise ValueError(f"the name {problem}: the authorizer refuses such names")
    return name


_Lines = tuple[Annotated[str, AfterValidator(_checked_line)], ...]
_Name = Annotated[str, Field(min_length=1), AfterValidator(_checked_name)]


class TemplateTest(StrictModel):
    """`[[test]]`: a client, and what it may and may not do."""

    name: str | None = None
    """What the test is about, for messages; the principal if there is no name."""
    principal: _Name
    claims: ConfiguredClaims = Field(default_factory=dict)
    client_id: _Name | None = None
    """The client ID for `{client_id}`; None if the client names none, as over HTTPS."""
    connect_with: tuple[ConnectAttribute, ...] = ()
    """The connect attributes that the client asks for."""
    may: _Lines = ()
    may_not: _Lines = ()


class _File(StrictModel):
    policy: Annotated[str, Field(min_length=1)]
    test: Annotated[tuple[TemplateTest, ...], Field(min_length=1)]


_KEYS = {key for model in (_File, TemplateTest) for key in model.model_fields}


class ClientOfTest(NamedTuple):
    """The client of a test."""

    principal: Principal
    client_id: str | None
    attributes: frozenset[str]
    """The connect attributes that it asks for."""


@dataclass(frozen=True, slots=True)
class Case:
    """One line of a test, and what the line expects."""

    client: ClientOfTest
    question: Question
    resource: str
    """A client ID, a topic, a topic filter or a direct message, without the topic prefix."""
    allowed: bool
    """Whether the line is under `may`."""
    label: str
    """The test that it belongs to, for messages: `ann`, or `a moderator (ann)`."""
    location: Location

    def __str__(self) -> str:
        return f"{self.label} {'may' if self.allowed else 'may not'} {self.question} {as_written(self.resource)}"


@dataclass(frozen=True, slots=True)
class TemplateTests:
    """The tests of one file."""

    path: Path
    policy: Path
    """The template that they test."""
    cases: tuple[Case, ...]
    text: str = field(repr=False)

    def place_of(self, case: Case) -> str:
        """The file and the line of a case, as in `policies/chat.test.toml:12`."""
        return place_of(self.path, self.text, case.location)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a case."""

    case: Case
    passed: bool
    """Whether the template does what the case expects."""
    reasons: tuple[str, ...]
    """Why it does something else, as `explain` says it."""


def load_tests(path: Path, check: Callable[[Question, str], object]) -> TemplateTests:
    """Reads a file with tests. `check` raises ValueError for a topic or a topic filter that IoT Core does not accept.

    Raises InvalidFile with the line, the key and what was expected.
    """
    tables, text = read_toml(path)
    if "test" not in tables and {"grant", "deny", "name"} & tables.keys():
        found, tests = "a policy template", f"such as {path.with_suffix(SUFFIX)}"
        if "name" in tables:
            found, tests = "a configuration", "with policy and [[test]]"
        raise InvalidFile(path, None, "", f"this is {found}: expected tests of a template, {tests}")
    file = _File.of_file(path, text, tables, _KEYS)
    cases: list[Case] = []
    for index, test in enumerate(file.test):
        if not (test.may or test.may_not):
            raise invalid_file(path, text, ("test", index), "expected may or may_not, with at least one line")
        cases += _cases(test, index)
    for case in cases:
        try:
            check(case.question, case.resource)
        except ValueError as error:
            raise invalid_file(path, text, case.location, str(error)) from None
    policy = path.parent / file.policy
    if not policy.is_file():
        raise invalid_file(path, text, ("policy",), f"expected a policy template, found no file {policy}")
    return TemplateTests(path, policy, tuple(cases), text)


def run_tests(template: PolicyTemplate, cases: Iterable[Case]) -> Iterator[Outcome]:
    """Asks the template about each case."""
    for case in cases:
        asked = with_topic_prefix(case.question, case.resource, template.topic_prefix)
        principal, client_id, attributes = case.client
        passed = is_allowed(template, principal, case.question, asked, client_id, attributes) is case.allowed
        found = () if passed else explain(template, principal, case.question, asked, client_id, attributes).reasons
        yield Outcome(case, passed, found)


def with_topic_prefix(question: Question, resource: str, prefix: str) -> str:
    """A resource with the topic prefix, which client IDs and reserved topics do not have."""
    if question == "connect":
        return resource
    return joined(below(prefix, split_message(resource) if question == "send" else split(resource)))


def _cases(test: TemplateTest, index: int) -> Iterator[Case]:
    client = ClientOfTest(Principal(test.principal, test.claims), test.client_id, frozenset(test.connect_with))
    label = test.principal if test.name is None else f"{test.name} ({test.principal})"

    def case(line: str, allowed: bool, *place: str | int) -> Case:
        action, _, resource = line.partition(" ")
        question = next(each for each in _QUESTIONS if each == action)
        resource = direct_message(resource) if question == "send" else resource
        return Case(client, question, resource, allowed, label, ("test", index, *place))

    if test.client_id is not None:
        yield case(f"connect {test.client_id}", True, "client_id")
    for number, line in enumerate(test.may):
        yield case(line, True, "may", number)
    for number, line in enumerate(test.may_not):
        yield case(line, False, "may_not", number)
