"""`iot-authorizer check`: a certificate of `prove`, checked by running `render`."""

import json
from pathlib import Path

from tests.cli.conftest import Run

CHAT = "policies/chat.toml"


def test_a_certificate_that_prove_wrote_holds(run: Run, folder: Path) -> None:
    assert run("prove", CHAT, "--certificate", "chat.json").returncode == 0
    done = run("check", "chat.json", "--principals", "5")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "chat.json: holds for policies/chat.toml, tried with 5 random principals\n"


def test_a_certificate_of_a_changed_template_does_not_hold(run: Run, folder: Path) -> None:
    run("prove", CHAT, "--certificate", "chat.json")
    (folder / CHAT).write_text((folder / CHAT).read_text() + "\n")
    done = run("check", "chat.json")
    assert done.returncode == 1
    assert "the template is not the one of the certificate" in done.stdout


def test_a_file_that_is_no_certificate_is_a_usage_error(run: Run, folder: Path) -> None:
    (folder / "chat.json").write_text(json.dumps({"template": {}}))
    done = run("check", "chat.json")
    assert (done.returncode, "expected a certificate" in done.stderr) == (2, True)


def test_a_certificate_is_for_one_template(run: Run) -> None:
    done = run("prove", CHAT, "policies/fleet.toml", "--certificate", "all.json")
    assert (done.returncode, "--certificate" in done.stderr) == (2, True)
