"""`iot-authorizer lint`: mistakes with their file, line and entry."""

from pathlib import Path

from tests.cli.conftest import Run

CHAT = "policies/chat.toml"


def test_the_ready_templates_are_clean(run: Run) -> None:
    done = run("lint", CHAT, "policies/fleet.toml", "policies/broadcast.toml")
    assert (done.returncode, "warning" in done.stdout) == (0, False)


def test_lint_exits_with_1_and_names_file_line_and_entry(run: Run, folder: Path) -> None:
    (folder / "own.toml").write_text('[[grant]]\nconnect = ["sensor"]\n')
    done = run("lint", "own.toml")
    assert done.returncode == 1
    assert done.stdout.startswith('own.toml:2: warning: grant[0].connect[0]: "sensor" is not bound to the principal')
