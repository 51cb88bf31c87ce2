"""The fixture `local_iot_core`, in a user's suite."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

SUITE = """\
import socket


def test_a_client_gets_in(local_iot_core):
    token = local_iot_core.token("ann")
    name = f"?x-amz-customauthorizer-name=chat&token={token}".encode()
    body = b"\\x00\\x04MQTT\\x04\\x82\\x00\\x3c\\x00\\x03ann" + len(name).to_bytes(2) + name
    packet = b"\\x10" + bytes((len(body) & 0x7F | 0x80, len(body) >> 7)) + body
    with socket.create_connection(("127.0.0.1", local_iot_core.port), 10) as client:
        client.sendall(packet)
        assert client.recv(4) == b"\\x20\\x02\\x00\\x00"


def test_each_test_has_one_of_its_own(local_iot_core):
    assert local_iot_core.broker.session("ann") is None
"""


@pytest.mark.parametrize(
    "setting", ["", 'iot_authorizer_config = "config/authorizer.toml"\n'], ids=["default", "named"]
)
def test_a_suite_uses_the_fixture_by_its_name(tmp_path: Path, setting: str) -> None:
    config = tmp_path / ("config" if setting else "") / "authorizer.toml"
    config.parent.mkdir(exist_ok=True)
    config.write_text(
        'name = "chat"\npolicy = "policy.toml"\ntoken_key_name = "token"\n[anonymous]\nprincipal = "nobody"\n'
    )
    (config.parent / "policy.toml").write_text('[[grant]]\nconnect = ["{principal}"]\n')
    (tmp_path / "pyproject.toml").write_text(f"[tool.pytest.ini_options]\n{setting}")
    (tmp_path / "test_suite.py").write_text(SUITE)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "2 passed" in done.stdout, done.stdout + done.stderr


def test_a_suite_that_does_not_use_the_fixture_loads_nothing_of_iot_core(tmp_path: Path) -> None:
    (tmp_path / "test_suite.py").write_text(
        "import sys\n\n\ndef test_nothing():\n    assert not {'uvicorn', 'iot_core.edge'} & set(sys.modules)\n"
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "1 passed" in done.stdout, done.stdout + done.stderr


def test_without_a_configuration_the_test_fails_with_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "test_suite.py").write_text("def test_nothing(local_iot_core):\n    pass\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "authorizer.toml: can't be read: No such file or directory (the setting iot_authorizer_config" in done.stdout
    assert "Traceback" not in done.stdout
