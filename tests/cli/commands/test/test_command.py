"""`iot-authorizer test`: tests beside templates, as a user runs them."""

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.cli.conftest import Run, refused

OWN = """\
[[grant]]
name    = "own"
publish = ["users/{principal}/out"]
"""
HEAD = 'policy = "own.toml"\n\n[[test]]\nprincipal = "ann"\n'
FAILING = (
    f'{HEAD}may = ["publish users/ann/out"]\nmay_not = [\n  "publish users/bob/out",\n  "publish users/ann/out",\n]\n'
)
WEAK = f'{HEAD}may = ["publish users/ann/out"]\n'
STRONG = f'{WEAK}may_not = ["publish users/bob/out", "publish users/ann/in"]\n'


@pytest.fixture
def own(folder: Path) -> Path:
    """The place of the tests of a template with one entry."""
    (folder / "own.toml").write_text(OWN)
    return folder / "own.test.toml"


def test_without_files_it_runs_all_tests_beside_the_configured_template(run: Run) -> None:
    done = run("test", "--mutate")
    assert (done.returncode, done.stderr) == (0, "")
    for name in ("broadcast", "chat", "fleet", "public"):
        assert f"policies/{name}.test.toml: " in done.stdout
        assert f"policies/{name}.toml: " in done.stdout
    assert "policies/chat.toml: 9 of 9 entries are tested in both directions\n" in done.stdout


def test_a_failure_has_its_line_and_its_reason(run: Run, own: Path) -> None:
    own.write_text(FAILING)
    done = run("test", "own.test.toml")
    assert done.returncode == 1
    assert done.stdout.startswith(
        "own.test.toml:8: ann may not publish users/ann/out: is allowed\n"
        '  by grant "own", publish = "users/{principal}/out"\n'
        "own.test.toml: 1 failed, 2 passed\n"
    )


def test_an_entry_that_no_test_bounds_is_listed_with_what_to_add(run: Run, own: Path) -> None:
    own.write_text(WEAK)
    done = run("test", "own.test.toml")
    assert (done.returncode, done.stdout) == (
        0,
        "own.test.toml: 1 passed\n"
        "own.toml: 0 of 1 entries are tested in both directions\n"
        '  own.toml:3: grant "own", publish = "users/{principal}/out": '
        "no may_not would be allowed if it were wider or had a condition less\n"
        '    add to the test of ann: may_not = ["publish users/other/out"]\n',
    )


def test_a_change_that_no_test_notices_fails_with_what_to_add(run: Run, own: Path) -> None:
    own.write_text(WEAK)
    done = run("test", "own.test.toml", "--mutate")
    assert (done.returncode, done.stdout) == (
        1,
        "own.test.toml: 1 passed\n"
        'own.toml:3: grant "own", publish = "users/{principal}/out": widened to "users/+/out": no test notices\n'
        '  add to the test of ann: may_not = ["publish users/other/out"]\n'
        'own.toml:3: grant "own", publish = "users/{principal}/out": widened to "users/{principal}/#": '
        "no test notices\n"
        '  add to the test of ann: may_not = ["publish users/ann/other"]\n'
        "changes of own.toml: 2 not noticed, 1 noticed\n"
        "own.toml: 0 of 1 entries are tested in both directions\n",
    )


def test_with_what_it_told_to_add_each_change_is_noticed(run: Run, own: Path) -> None:
    own.write_text(STRONG)
    assert run("test", "own.test.toml", "--mutate").returncode == 0


def test_while_a_test_fails_no_change_is_tried(run: Run, own: Path) -> None:
    own.write_text(FAILING)
    done = run("test", "own.test.toml", "--mutate")
    assert (done.returncode, "noticed" in done.stdout) == (1, False)
    assert done.stderr == "iot-authorizer: --mutate: some tests fail: correct them first\n"


def test_a_case_that_fails_reaches_nothing(run: Run, own: Path) -> None:
    own.write_text(f'{HEAD}may_not = ["publish users/ann/out", "publish users/bob/out"]\n')
    assert "own.toml:3: " in run("test", "own.test.toml").stdout


def test_a_client_that_the_authorizer_refuses_is_noted(run: Run, own: Path) -> None:
    own.write_text(HEAD.replace("ann", "ann/x") + 'may_not = [\n"connect x",\n"publish a",\n"publish b"]\n')
    done = run("test", "own.test.toml")
    notes = [line for line in done.stdout.splitlines() if ": note: " in line]
    assert (done.returncode, notes) == (
        0,
        [
            "own.test.toml:7: note: the authorizer refuses ann/x: "
            'unsafe_value: principal cannot be a topic level: it is "ann/x"'
        ],
    )


def test_all_files_of_a_template_are_counted_together(run: Run, own: Path) -> None:
    own.write_text(WEAK)
    own.with_name("limits.test.toml").write_text(STRONG.replace('may = ["publish users/ann/out"]\n', ""))
    done = run("test", "own.test.toml", "limits.test.toml", "own.test.toml", "--mutate")
    assert (done.returncode, done.stdout.count("own.toml: 1 of 1 entries")) == (0, 1)


@pytest.mark.parametrize("prefix", ["dev", "shop/dev"])
def test_tests_have_no_topic_prefix(run: Run, prefix: str) -> None:
    assert run("test", "--topic-prefix", prefix, "--mutate").returncode == 0


def test_a_failure_names_the_topic_without_and_the_entry_with_the_prefix(run: Run, own: Path) -> None:
    own.write_text(f'{HEAD}may_not = ["publish users/ann/out"]\n')
    found = run("test", "own.test.toml", "--topic-prefix", "dev").stdout
    assert "ann may not publish users/ann/out: is allowed" in found
    assert '(with topic_prefix: "dev/users/{principal}/out")' in found


def test_the_tap_has_a_plan_and_a_line_for_each_case(run: Run, own: Path) -> None:
    own.write_text(FAILING.replace("users/bob/out", "users/bob/a\\\\b"))
    done = run("test", "own.test.toml", "--tap")
    assert done.returncode == 1
    assert done.stdout.splitlines()[:7] == [
        "TAP version 14",
        "1..3",
        "ok 1 - own.test.toml:5: ann may publish users/ann/out",
        "ok 2 - own.test.toml:7: ann may not publish users/bob/a\\\\b",
        "not ok 3 - own.test.toml:8: ann may not publish users/ann/out",
        "# is allowed",
        '# by grant "own", publish = "users/{principal}/out"',
    ]
    assert all(line.startswith("#") for line in done.stdout.splitlines()[7:])


def test_a_hash_in_tap_is_no_directive(run: Run) -> None:
    assert "ann may subscribe rooms/lobby/\\#\n" in run("test", "policies/chat.test.toml", "--tap").stdout


def test_the_junit_file_has_each_case_and_the_reason_of_a_failure(run: Run, folder: Path, own: Path) -> None:
    own.write_text(FAILING.replace("users/bob", "users/\\u0007<&"))
    run("test", "own.test.toml", "--junit", "report.xml")
    (suite,) = ET.parse(folder / "report.xml").getroot()
    assert (suite.get("name"), suite.get("tests"), suite.get("failures")) == ("own.test.toml", "3", "1")
    assert [(case.get("name"), case.get("line"), len(case)) for case in suite] == [
        ("ann may publish users/ann/out", "5", 0),
        ("ann may not publish users/\\x07<&/out", "7", 0),
        ("ann may not publish users/ann/out", "8", 1),
    ]
    failure = suite[2][0]
    assert (failure.get("message"), failure.text) == (
        "is allowed",
        'by grant "own", publish = "users/{principal}/out"',
    )


def test_the_junit_file_has_the_changes_that_no_test_notices(run: Run, folder: Path, own: Path) -> None:
    own.write_text(WEAK)
    run("test", "own.test.toml", "--junit", "report.xml", "--mutate")
    assert [suite.get("failures") for suite in ET.parse(folder / "report.xml").getroot()] == ["0", "2"]


ERRORS = {
    "a wildcard": (
        f'{HEAD}may_not = [\n  "publish a/+",\n]',
        ":6: test[0].may_not[0]: a topic name must not contain",
    ),
    "a broken filter": (
        f'{HEAD}may_not = ["subscribe a/#/b"]',
        ":5: test[0].may_not[0]: # must be the last level",
    ),
    "too many levels": (f'{HEAD}may_not = ["publish {"/" * 8}"]', "test[0].may_not[0]: a topic has at most 7 slashes"),
    "no template": (WEAK.replace("own", "won"), ":1: policy: expected a policy template, found no file won.toml"),
    "an unknown key": (
        f"{HEAD}mya = []",
        ":5: test[0].mya: is not a key of this table: did you mean may?",
    ),
}


@pytest.mark.parametrize(("content", "expected"), ERRORS.values(), ids=ERRORS)
def test_a_file_that_cannot_be_loaded_is_a_usage_error(run: Run, own: Path, content: str, expected: str) -> None:
    own.write_text(content)
    assert expected in refused(run, "test", "own.test.toml")


def test_a_template_that_cannot_be_loaded_has_its_own_error(run: Run, own: Path) -> None:
    own.write_text(WEAK)
    own.with_name("own.toml").write_text('[[grant]]\npublish = ["a/*"]\n')
    assert 'own.toml:2: grant[0].publish[0]: "a/*": ' in refused(run, "test", "own.test.toml")


def test_without_files_and_configuration_it_says_what_to_name(run: Run, folder: Path) -> None:
    (folder / "authorizer.toml").unlink()
    assert "authorizer.toml: file not found: name the files with tests" in refused(run, "test")


def test_a_configuration_without_a_template_is_not_enough(run: Run, folder: Path) -> None:
    (folder / "authorizer.toml").write_text('handler = "rules.lambda_handler"\n')
    assert "authorizer.toml: names no policy: name the files with tests" in (said := refused(run, "test"))
    assert "; rules in code are tested with pytest" in said


def test_a_template_without_tests_is_not_a_success(run: Run, folder: Path) -> None:
    for path in (folder / "policies").glob("*.test.toml"):
        path.unlink()
    assert refused(run, "test") == "policies/chat.toml: has no tests: write them into policies/chat.test.toml"


def test_a_report_that_cannot_be_written_is_an_error(run: Run) -> None:
    done = run("test", "policies/chat.test.toml", "--junit", "missing/report.xml")
    assert (done.returncode, done.stderr) == (2, "iot-authorizer: missing/report.xml: No such file or directory\n")
