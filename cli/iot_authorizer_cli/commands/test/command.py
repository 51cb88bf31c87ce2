"""`iot-authorizer test`: runs the tests beside policy templates."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import typer

from iot_authorizer.configuration import load_partial_configuration
from iot_authorizer_cli import options
from iot_authorizer_cli.commands.test.report import Check, Suite, as_junit, as_tap, as_text
from iot_authorizer_cli.terminal import warn
from iot_policies import InvalidFile, PolicyTemplate
from iot_policies.errors import printable
from iot_policies.testing.asked_question import AskedQuestion
from iot_policies.testing.cases import SUFFIX, Case, Outcome, TemplateTests, load_tests, run_tests
from iot_policies.testing.coverage import advice, asked_of, gaps, refused_clients, survives
from iot_policies.testing.mutants import Mutant, mutants
from iot_policies.toml_file import place_of, read_toml

_LONG = 500_000
"""The number of comparisons, mutants times cases, that take about a second."""


def run(
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="FILE",
            help="Files with tests; default: all *.test.toml beside the template of authorizer.toml.",
            show_default=False,
        ),
    ] = None,
    mutate: Annotated[
        bool, typer.Option("--mutate", help="Also remove and widen each entry: a test must fail for each change.")
    ] = False,
    junit: Annotated[
        Path | None, typer.Option(metavar="XML", help="Also write the results to this file, as JUnit XML.")
    ] = None,
    tap: Annotated[bool, typer.Option("--tap", help="Print the results as TAP.")] = False,
    topic_prefix: options.TopicPrefix = None,
) -> None:
    """Run the tests beside policy templates.

    Prints each failure with its reason, and the entries that no test reaches. Exits with 0 if all tests pass, with 1 if
    some fail, or if --mutate finds a change that no test notices, and with 2 for a file that cannot be loaded.
    """
    tested = _load(files or _beside_the_template(), topic_prefix)
    suites = [suite for each in tested for suite in each.run()]
    is_mutated = mutate and not any(suite.failures for suite in suites)
    if mutate and not is_mutated:
        warn("--mutate: some tests fail: correct them first")
    suites += [each.mutate() for each in tested if is_mutated]
    notes = [note for each in tested for note in (*each.refused(), *each.coverage(with_gaps=not is_mutated))]
    for line in (as_tap if tap else as_text)(suites, notes):
        typer.echo(printable(line))
    if junit is not None:
        junit.write_text(as_junit(suites), "utf-8")
    raise typer.Exit(1 if any(suite.failures for suite in suites) else 0)


def _beside_the_template() -> list[Path]:
    """The tests beside the template that authorizer.toml names. Raises InvalidFile if there are none."""
    example = "iot-authorizer test policies/chat.test.toml"
    if not options.CONFIG.exists():
        raise InvalidFile(options.CONFIG, None, "", f"file not found: name the files with tests, as in `{example}`")
    policy = load_partial_configuration(options.CONFIG, only=("policy",))[0].policy
    if policy is None:
        advice = f"name the files with tests, as in `{example}`; rules in code are tested with pytest"
        raise InvalidFile(options.CONFIG, None, "", f"names no policy: {advice}")
    template = options.CONFIG.parent / policy
    found = sorted(template.parent.glob(f"*{SUFFIX}"))
    if not found:
        raise InvalidFile(template, None, "", f"has no tests: write them into {template.with_suffix(SUFFIX)}")
    return found


def _load(files: Iterable[Path], topic_prefix: str | None) -> "list[_Tested]":
    """The templates and all their tests. Raises InvalidFile."""
    found: dict[Path, _Tested] = {}
    for path in dict.fromkeys(files):
        tests = load_tests(path, options.check_resource)
        known = found.get(tests.policy.resolve())
        if known is None:
            template = options.load_template(tests.policy, topic_prefix)
            known = found[tests.policy.resolve()] = _Tested(tests.policy, template, read_toml(tests.policy)[1])
        known.files.append(tests)
    return list(found.values())


@dataclass(slots=True)
class _Tested:
    """A template and its tests."""

    path: Path
    template: PolicyTemplate
    text: str
    """The text of its file."""
    files: list[TemplateTests] = field(default_factory=list)
    passed: list[Case] = field(default_factory=list)
    """The cases that have passed."""

    def run(self) -> Iterator[Suite]:
        """Runs the tests of each file."""
        for file in self.files:
            outcomes = list(run_tests(self.template, file.cases))
            self.passed += [outcome.case for outcome in outcomes if outcome.passed]
            yield Suite(f"{file.path}", tuple(_check(file, each) for each in outcomes), "passed", "failed")

    def refused(self) -> Iterator[str]:
        """Says which tests pass only because the authorizer refuses their client."""
        for file in self.files:
            for case, reason in refused_clients(self.template, file.cases):
                yield f"{file.place_of(case)}: note: the authorizer refuses {case.label}: {reason}"

    def coverage(self, *, with_gaps: bool) -> Iterator[str]:
        """Counts the entries that tests reach. With gaps, says which they do not reach, and what to add."""
        found = list(gaps(self.template, asked_of(self.template, self.passed)))
        total = len(self.template.entries)
        covered = total - len({gap.entry for gap in found})
        yield f"{self.path}: {covered} of {total} entries are tested in both directions"
        for gap in found if with_gaps else ():
            yield f"  {place_of(self.path, self.text, gap.entry.location)}: {gap.entry}: {gap.problem}"
            yield f"    {self._advice(gap.mutant)}"

    def mutate(self) -> Suite:
        """Tries each mutant of the template."""
        asked = asked_of(self.template, self.passed)
        found = list(mutants(self.template))
        is_short = len(found) * len(asked) < _LONG or not sys.stderr.isatty()
        with typer.progressbar(found, label=f"{self.path}: mutants", file=sys.stderr, hidden=is_short) as shown:
            checks = tuple(self._tried(mutant, asked) for mutant in shown)
        return Suite(f"changes of {self.path}", checks, "noticed", "not noticed")

    def _tried(self, mutant: Mutant, asked: Sequence[AskedQuestion]) -> Check:
        place = place_of(self.path, self.text, mutant.location)
        if survives(mutant, asked):
            return Check(place, f"{mutant}", "no test notices", (self._advice(mutant),))
        return Check(place, f"{mutant}")

    def _advice(self, mutant: Mutant) -> str:
        found = advice(self.template, mutant, self.passed)
        if found is not None:
            return f"{found}"
        return "no example found: the clients of the tests are too different, or the change makes no difference"


def _check(file: TemplateTests, outcome: Outcome) -> Check:
    case = outcome.case
    problem = "" if outcome.passed else "is denied" if case.allowed else "is allowed"
    return Check(file.place_of(case), f"{case}", problem, outcome.reasons)
