"""Errors of templates name the line of the key, in any layout of the file."""

from pathlib import Path

import pytest

from iot_policies import InvalidFile, PolicyTemplate
from tests.policies.test_template_errors import error_of


@pytest.mark.parametrize(
    ("content", "line"),
    [
        pytest.param('[[grant]]\npublish = ["a"]\n[[grant]]\npublish = ["*"]', 4, id="second grant"),
        pytest.param('[[grant]]\npublish = ["a"]\n\n[[ grant ]]  # more\npublish = ["*"]', 5, id="spaced header"),
        pytest.param('[[deny]]\npublish = ["a"]\n[[grant]]\npublish = ["*"]', 4, id="grant after deny"),
        pytest.param('[[grant]]\r\n\r\npublish = ["*"]\r\n', 3, id="Windows line ends"),
        pytest.param('[[grant]]\n"publish" = ["*"]', 2, id="quoted key"),
        pytest.param('[[grant]]\npublish = [\n  "a",\n  "*",\n]', 4, id="list over several lines"),
        pytest.param('[[grant]]\npublish = [  # a, [b\n  "a,]", \'b"\', # "c,\n  "*", "d"]', 4, id="signs in texts"),
        pytest.param('[[grant]]\npublish = ["a",\n  """b\n""",\n  "*"]', 3, id="text over several lines"),
        pytest.param('[[grant]]\nwhen = { role = [\n  "a", [] ] }', 2, id="list in an inline table"),
        pytest.param('# publish = ["*"]\n[[grant]]\npublish = ["*"]', 3, id="commented out before"),
        pytest.param('# a\u2028b\n[[grant]]\npublish = ["*"]', 3, id="line separator in a comment"),
        pytest.param('[[grant]]\nname = "a\u0085b"\npublish = ["*"]', 3, id="next line in a text"),
        pytest.param('[[grant]]\npublish = ["a"]\n[grant.when]\nrole = []', 3, id="when as a table"),
        pytest.param('[[grant]]\npublish = ["a"]\nwhen.role = []', 3, id="when with dots"),
    ],
)
def test_the_line_is_the_one_of_the_key(content: str, line: int, tmp_path: Path) -> None:
    assert error_of(tmp_path, content).line == line


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("principal = ", 1),
        ("\n\nprincipal", 3),
        ('[[grant]]\npublish = ["a"', 2),
        ('[[grant]]\npublish = ["a]\n', 2),
        ("[[grant]\n", 1),
        ("a = 1\na = 2\n", 2),
        ("a = 1\n# \0\n", 2),
        ("a = " + "[" * 5000, 1),
    ],
)
def test_broken_toml_has_its_line(content: str, line: int, tmp_path: Path) -> None:
    error = error_of(tmp_path, content)
    assert (error.line, "not valid TOML" in error.expected) == (line, True), str(error)


def test_a_byte_order_mark_is_accepted(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text('principal = "email"\n', "utf-8-sig")
    assert PolicyTemplate.load(path).principal_claim == "email"


def test_the_message_about_broken_toml_is_one_line(tmp_path: Path) -> None:
    assert str(error_of(tmp_path, "a = 1\n# \0\n")).isprintable()


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidFile, match=r"none\.toml: file not found: correct its name, or create it") as found:
        PolicyTemplate.load(tmp_path / "none.toml")
    assert found.value.line is None


def test_a_missing_file_with_a_name_like_that_of_another_one_gets_the_other_name(tmp_path: Path) -> None:
    (tmp_path / "chat.toml").write_text("")
    with pytest.raises(InvalidFile, match=rf"chta\.toml: file not found: did you mean {tmp_path}/chat\.toml\?$"):
        PolicyTemplate.load(tmp_path / "chta.toml")


def test_a_link_to_a_missing_file_is_refused_with_what_it_leads_to(tmp_path: Path) -> None:
    (tmp_path / "chat.toml").symlink_to("nowhere/chat.toml")
    with pytest.raises(
        InvalidFile, match=r"chat\.toml: file not found: it is a link to nowhere/chat\.toml, which is missing$"
    ):
        PolicyTemplate.load(tmp_path / "chat.toml")


def test_a_file_in_a_missing_folder_is_refused_with_the_folder(tmp_path: Path) -> None:
    with pytest.raises(InvalidFile, match=rf"file not found: the folder {tmp_path}/none does not exist$"):
        PolicyTemplate.load(tmp_path / "none/chat.toml")


def test_a_directory_is_not_a_template(tmp_path: Path) -> None:
    with pytest.raises(InvalidFile, match="this is a folder"):
        PolicyTemplate.load(tmp_path)


def test_a_file_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    assert error_of(tmp_path, b'principal = "\xff"').expected == "expected UTF-8 text"


def test_an_error_names_the_file_as_it_was_named(tmp_path: Path) -> None:
    assert error_of(tmp_path, "x = 1").path == str(tmp_path / "chat.toml")


CUTTING = """
[[grant]]
name = "wide"
publish = ["a/+"]

[[grant]]
name = "deep"
publish = ["b", "a/b/c"]
"""


def test_a_conflict_of_two_entries_is_reported_at_the_entry_that_needs_the_deny(tmp_path: Path) -> None:
    error = error_of(tmp_path, CUTTING)
    assert (error.line, error.key) == (4, "grant[0].publish[0]")


@pytest.mark.parametrize("named", ['"a/+"', 'grant "wide"', '"a/b/c"', 'grant "deep"', "widen = true"])
def test_a_conflict_of_two_entries_names_both_and_the_solution(named: str, tmp_path: Path) -> None:
    assert named in error_of(tmp_path, CUTTING).expected


def test_a_grant_without_a_name_is_named_by_its_number(tmp_path: Path) -> None:
    assert "grant[1]" in error_of(tmp_path, CUTTING.replace('name = "deep"', "")).expected


def test_one_grant_with_a_conflict_in_itself_is_refused(tmp_path: Path) -> None:
    assert error_of(tmp_path, '[[grant]]\nsubscribe = ["a/+", "a/b/c"]').key == "grant[0].subscribe[0]"


def test_a_control_character_is_not_echoed(tmp_path: Path) -> None:
    assert "\x1b" not in str(error_of(tmp_path, '[[grant]]\npublish = ["\\u001b[31m"]'))


def test_a_key_in_the_wrong_table_is_not_called_a_typo(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text('[session]\nprincipal = "sub"\n')
    with pytest.raises(InvalidFile, match=r":2: session\.principal: is not a key of this table, but of another"):
        PolicyTemplate.load(path)
    path.write_text("[[grant]]\npublsh = []\n")
    with pytest.raises(InvalidFile, match=r"did you mean publish\?"):
        PolicyTemplate.load(path)
