"""What `iot-authorizer credentials` prints, and what it writes."""

import json
import subprocess
from pathlib import Path

import boto3
import pytest

from iot_core.iam.access_keys import AccessKey, owner_key
from iot_policies.account_region import EXAMPLE_PLACE
from tests.cli.conftest import Run, refused


@pytest.fixture
def shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The shared credentials file of AWS's SDKs."""
    path = tmp_path / "aws" / "credentials"
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(path))
    return path


@pytest.fixture
def owner(folder: Path) -> AccessKey:
    """The owner's key in the data folder."""
    return owner_key(folder / ".iot-authorizer", EXAMPLE_PLACE)


def test_a_shell_gets_the_key_and_the_region_and_loses_what_would_spoil_them(run: Run, owner: AccessKey) -> None:
    printed = run("credentials", "--region", "eu-west-1").stdout
    before = "AWS_SESSION_TOKEN=stale AWS_PROFILE=other"
    shell = f'export {before}; {printed}env | grep "^AWS_" | sort'
    found = subprocess.run(["/bin/sh", "-c", shell], env={}, capture_output=True, text=True, check=True).stdout
    assert found.splitlines() == [
        f"AWS_ACCESS_KEY_ID={owner.key_id}",
        "AWS_DEFAULT_REGION=eu-west-1",
        "AWS_REGION=eu-west-1",
        f"AWS_SECRET_ACCESS_KEY={owner.secret}",
    ]


def test_the_key_is_made_once_in_a_folder_that_git_ignores(run: Run, folder: Path) -> None:
    assert run("credentials", "--data", "data").stdout == run("credentials", "--data", "data").stdout
    assert (folder / "data" / ".gitignore").read_text() == "*\n"


def test_the_json_is_that_of_credential_process(run: Run, owner: AccessKey) -> None:
    printed = json.loads(run("credentials", "--format", "process").stdout)
    assert printed == {"Version": 1, "AccessKeyId": owner.key_id, "SecretAccessKey": owner.secret}


def test_boto3_reads_the_profile(run: Run, shared: Path, owner: AccessKey) -> None:
    assert str(shared) in run("credentials", "--format", "profile", "--region", "eu-west-1").stdout
    session = boto3.Session(profile_name="iot-authorizer")
    found = session.get_credentials()
    assert found is not None
    assert (found.access_key, found.secret_key, session.region_name) == (owner.key_id, owner.secret, "eu-west-1")
    assert shared.stat().st_mode & 0o777 == 0o600


BEFORE = b"# mine\r\n[default]\naws_access_key_id = A\n\n[iot-authorizer-2]\nregion = r\n\xff"


def test_everything_else_in_the_file_stays_as_it_is(run: Run, shared: Path, owner: AccessKey) -> None:
    shared.parent.mkdir()
    shared.write_bytes(BEFORE)
    run("credentials", "--format", "profile")
    once = shared.read_bytes()
    assert once.startswith(BEFORE + b"\n")
    assert owner.key_id.encode() in once
    shared.write_bytes(once + b"\n\n[last]\nregion = r")
    run("credentials", "--format", "profile", "--region", "eu-west-1")
    assert shared.read_bytes() == once.replace(b"us-east-1", b"eu-west-1") + b"\n\n[last]\nregion = r"


def test_a_profile_of_the_user_is_never_replaced(run: Run, shared: Path) -> None:
    shared.parent.mkdir()
    shared.write_bytes(BEFORE)
    assert "did not write" in refused(run, "credentials", "--format", "profile", "--profile", "default")
    assert shared.read_bytes() == BEFORE


@pytest.mark.parametrize("name", ["", "a]", "a b", "a\nb"])
def test_a_name_that_is_no_section_is_refused(run: Run, shared: Path, name: str) -> None:
    assert "--profile" in refused(run, "credentials", "--format", "profile", "--profile", name)
    assert not shared.exists()


def test_a_symbolic_link_stays_one(run: Run, shared: Path, tmp_path: Path) -> None:
    shared.parent.mkdir()
    (tmp_path / "real").write_bytes(b"")
    shared.symlink_to(tmp_path / "real")
    run("credentials", "--format", "profile")
    assert shared.is_symlink()
    assert b"[iot-authorizer]" in (tmp_path / "real").read_bytes()
