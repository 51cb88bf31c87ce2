"""`iot-authorizer keys list`: the keys of the configuration, and which of them signs."""

import hashlib
import json
import os
import re
import subprocess
from pathlib import Path

from tests.cli.conftest import Run
from tests.clients.needs import needs


def listed(run: Run) -> dict[str, dict[str, object]]:
    return {entry["name"]: entry for entry in json.loads(run("keys", "list", "--json").stdout)}


def test_the_fingerprint_is_that_of_the_subject_public_key_info(run: Run, config: Path) -> None:
    command = [needs("openssl"), "pkey", "-pubin", "-in", "keys/old.pem", "-outform", "der"]
    der = subprocess.run(command, cwd=config.parent, capture_output=True, check=True).stdout
    assert listed(run)["old"]["fingerprint"] == hashlib.sha256(der).hexdigest()
    assert hashlib.sha256(der).hexdigest()[:16] in run("keys", "list").stdout


def test_the_table_has_a_line_for_each_key(run: Run, config: Path) -> None:
    heading, line = run("keys", "list").stdout.splitlines()
    assert re.split(r" {2,}", heading) == ["name", "bits", "fingerprint", "private half", "signs", "created"]
    pattern = r"old +2048 +[0-9a-f]{16} +here +yes +\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ"
    assert re.fullmatch(pattern, line)


def test_a_key_was_created_when_its_private_half_was_written(run: Run, config: Path) -> None:
    os.utime(config.parent / "keys/private/old.pem", (100, 100))
    assert run("keys", "list").stdout.endswith("  1970-01-01 00:01:40Z\n")
    assert listed(run)["old"]["created"] == "1970-01-01T00:01:40Z"


def test_without_keys_it_says_how_to_make_one(run: Run) -> None:
    done = run("keys", "list")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.endswith("iot-authorizer keys new\n")


def test_a_key_without_a_private_half_here_is_listed(run: Run, config: Path) -> None:
    (config.parent / "keys/private/old.pem").unlink()
    entry = listed(run)["old"]
    assert (entry["private_half"], entry["signs"], entry["private_file"]) == ("missing", False, None)


def test_a_private_half_that_cannot_be_used_is_listed_with_the_reason(run: Run, config: Path) -> None:
    (config.parent / "keys/private/old.pem").write_text("broken")
    done = run("keys", "list")
    assert "  unusable  " in done.stdout
    assert done.stderr == "iot-authorizer: keys/private/old.pem: expected a private RSA key in PEM\n"
