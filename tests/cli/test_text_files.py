"""Files that people edit may begin with a byte order mark, as editors on Windows write it."""

import codecs
import json
from pathlib import Path

import pytest

from iot_authorizer_cli.commands.keys.changing import make_key
from iot_identities.passwords import hash_password
from tests.cli.conftest import Run, refused

JWT = """
[[jwt]]
issuer     = "https://a.example/"
audience   = ["chat"]
algorithms = ["ES256"]
jwks       = "keys.json"
"""


@pytest.fixture
def project(folder: Path, run: Run) -> Path:
    """A project with every kind of file that a person may edit."""
    run("token", "--principal", "ann")
    (folder / "keys.json").write_bytes((folder / ".iot-authorizer/development-jwks.json").read_bytes())
    (folder / "passwords.toml").write_text(f'[users.ann]\nhash = "{hash_password(b"secret")}"\n')
    (folder / "authorizer.toml").write_text(
        'name = "chat"\npolicy = "policies/chat.toml"\ntoken_key_name = "token"\n'
        f'table = "identities"\n[passwords]\nfile = "passwords.toml"\n{JWT}'
    )
    make_key(folder / "authorizer.toml", "one", 2048)
    (folder / "users.csv").write_text("name\nann\n")
    (folder / "claims.json").write_text('{"rooms": ["lobby"]}')
    return folder


EDITED = [
    ("authorizer.toml", ["keys", "list"]),
    ("authorizer.toml", ["keys", "rotate", "two"]),
    ("policies/chat.toml", ["lint", "policies/chat.toml"]),
    ("keys/one.pem", ["keys", "list"]),
    ("keys/private/one.pem", ["sign", "token"]),
    ("keys.json", ["invoke"]),
    ("passwords.toml", ["invoke"]),
    ("keys/one.pem", ["invoke"]),
    ("users.csv", ["users", "import", "users.csv", "--generate", "made.csv"]),
    ("claims.json", ["render", "policies/chat.toml", "--principal", "ann", "--claims", "@claims.json"]),
]


@pytest.mark.parametrize(("file", "command"), EDITED, ids=str)
def test_a_byte_order_mark_changes_nothing(project: Path, run: Run, file: str, command: list[str]) -> None:
    path = project / file
    path.write_bytes(codecs.BOM_UTF8 + path.read_bytes())
    done = run(*command)
    # Without credentials, `invoke` is refused by the signature that is missing, after it has read every file.
    expected = 1 if command == ["invoke"] else 0
    assert done.returncode == expected, done.stderr


def test_a_file_of_generated_passwords_may_get_a_byte_order_mark(project: Path, run: Run) -> None:
    command = ("users", "import", "users.csv", "--generate", "made.csv")
    assert run(*command).returncode == 0
    made = project / "made.csv"
    made.write_bytes(codecs.BOM_UTF8 + made.read_bytes())
    (project / "users.csv").write_text("name\nann\nbob\n")
    done = run(*command)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("file", ["authorizer.toml", "keys/one.pem", "keys.json", "passwords.toml"])
def test_a_file_in_utf_16_is_named(project: Path, run: Run, file: str) -> None:
    path = project / file
    path.write_bytes(path.read_text().encode("utf-16"))
    assert f"{file}: " in refused(run, "invoke")
    assert refused(run, "invoke").endswith("the file is in UTF-16: save it in UTF-8")


def test_findings_in_a_template_with_a_byte_order_mark_have_the_right_line(project: Path, run: Run) -> None:
    (project / "mark.toml").write_bytes(codecs.BOM_UTF8 + b'[[grant]]\nconnect = ["gateway"]\n')
    assert run("lint", "mark.toml").stdout.startswith("mark.toml:2: ")


def test_claims_are_read_from_a_file(project: Path, run: Run) -> None:
    done = run("render", "policies/chat.toml", "--principal", "ann", "--claims", "@claims.json")
    assert "rooms/lobby/say/ann" in json.dumps(json.loads(done.stdout))
    assert refused(run, "token", "--principal", "ann", "--claims", "@none.json").startswith("none.json: file not found")
