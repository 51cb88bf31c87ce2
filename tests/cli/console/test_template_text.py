"""The text of a template with its lines: a file as it is on disk, and an edit of it."""

from pathlib import Path

import pytest

from iot_authorizer_cli.console.template_text import TemplateText
from iot_policies import PolicyTemplate
from tests.cli.console.test_policy import TEMPLATE


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "policy.toml"
    path.write_text(TEMPLATE)
    return path


@pytest.mark.parametrize(
    ("saved", "line", "problem"),
    [
        (TEMPLATE.replace("rooms/+/mute/+", "rooms/+/mute/#/x"), 10, "# must be the last level"),
        ("# A line more.\n" + TEMPLATE.replace("mute", "ban"), None, None),
        (None, None, "file not found"),
    ],
    ids=["broken", "not loaded yet", "gone"],
)
def test_a_file_that_is_not_in_force_is_shown_with_its_problem_and_without_lines(
    path: Path, saved: str | None, line: int | None, problem: str | None
) -> None:
    template = PolicyTemplate.load(path)
    if saved is None:
        path.unlink()
    else:
        path.write_text(saved)
    file = TemplateText.saved(path, template)
    assert (file.text, file.is_source, file.problem_line) == (saved or "", False, line)
    assert (problem or "") in str(file.problem or "")
    assert {file.line(entry) for entry in template.entries} == {None}
