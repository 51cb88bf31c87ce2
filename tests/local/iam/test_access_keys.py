"""The owner's key in the data folder, and temporary keys."""

import json
import os
from pathlib import Path

import pytest

from iot_core.iam.access_keys import AccessKey, owner_key
from iot_policies import InvalidFile
from iot_policies.connection import Connection
from tests.local.iam.signers import OWNER, PLACE, TEMPORARY


def test_the_owner_keeps_its_key(tmp_path: Path) -> None:
    made = owner_key(tmp_path, PLACE)
    assert owner_key(tmp_path, PLACE) == made
    assert owner_key(tmp_path / "other", PLACE).secret != made.secret


def test_two_processes_that_make_the_key_at_once_have_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        others: list[AccessKey] = []

        def meanwhile(_: int) -> None:
            patched.undo()
            made = owner_key(tmp_path / "other", PLACE)
            (tmp_path / "other" / "owner-credentials.json").rename(tmp_path / "owner-credentials.json")
            others.append(made)

        patched.setattr(os, "fsync", meanwhile)
        assert [owner_key(tmp_path, PLACE)] == others


def test_only_its_owner_can_read_the_file(tmp_path: Path) -> None:
    owner_key(tmp_path, PLACE)
    (path,) = tmp_path.glob("*.json")
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o644)
    with pytest.raises(InvalidFile, match="other users can read it"):
        owner_key(tmp_path, PLACE)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff",
        b"[]",
        b"{}",
        json.dumps({"AccessKeyId": "AKIA", "SecretAccessKey": ""}).encode(),
        json.dumps({"AccessKeyId": "AK IA", "SecretAccessKey": "s"}).encode(),
        json.dumps({"AccessKeyId": "AKIA", "SecretAccessKey": "é"}).encode(),
        json.dumps({"AccessKeyId": "AKIA", "SecretAccessKey": "s;ls"}).encode(),
        json.dumps({"AccessKeyId": 1, "SecretAccessKey": "s"}).encode(),
    ],
)
def test_a_file_without_a_key_is_refused_and_says_what_to_do(tmp_path: Path, content: bytes) -> None:
    owner_key(tmp_path, PLACE)
    (path,) = tmp_path.glob("*.json")
    path.write_bytes(content)
    with pytest.raises(InvalidFile, match="remove the file"):
        owner_key(tmp_path, PLACE)


def test_the_owner_may_do_everything() -> None:
    evaluator = OWNER.principal.evaluator(Connection())
    assert evaluator.allows("iot:Publish", "arn:aws:iot:eu-west-1:123456789012:topic/a")


def test_a_key_shows_no_secret() -> None:
    assert "tok" not in repr(TEMPORARY)
    assert OWNER.secret not in repr(OWNER)
