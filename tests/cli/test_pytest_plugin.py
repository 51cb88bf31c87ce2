"""The fixture `local_iot_core`, in a user's suite."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import fill

pytestmark = pytest.mark.slow

SUITE = """\
import socket


def test_a_client_connects(local_iot_core):
    token = local_iot_core.token("ann")
    name = f"?x-amz-customauthorizer-name=chat&token={token}".encode()
    body = b"\\x00\\x04MQTT\\x04\\x82\\x00\\x3c\\x00\\x03ann" + len(name).to_bytes(2) + name
    packet = b"\\x10" + bytes((len(body) & 0x7F | 0x80, len(body) >> 7)) + body
    with socket.create_connection(("127.0.0.1", local_iot_core.port), 10) as client:
        client.sendall(packet)
        assert client.recv(4) == b"\\x20\\x02\\x00\\x00"


def test_each_test_has_its_own(local_iot_core):
    assert local_iot_core.broker.session("ann") is None
"""


def run_pytest(folder: Path, suite: str, *options: str) -> str:
    (folder / "test_suite.py").write_text(suite)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def test_a_suite_uses_the_fixture_by_its_name(tmp_path: Path) -> None:
    config = tmp_path / "config/authorizer.toml"
    config.parent.mkdir()
    config.write_text(
        'name = "chat"\npolicy = "policy.toml"\ntoken_key_name = "token"\n[anonymous]\nprincipal = "anonymous"\n'
    )
    (config.parent / "policy.toml").write_text('[[grant]]\nconnect = ["{principal}"]\n')
    setting = 'iot_authorizer_config = "config/authorizer.toml"\n'
    (tmp_path / "pyproject.toml").write_text(f"[tool.pytest.ini_options]\n{setting}")
    shown = run_pytest(tmp_path, SUITE, "-W", "error")
    assert "2 passed" in shown, shown


FAILING = """\
import pytest


@pytest.fixture
def bob(local_iot_core):
    return local_iot_core.client("bob", client_id="ann")


def test_a_fixture_fails(bob):
    pass


def test_bob_speaks(local_iot_core):
    assert local_iot_core.allows("bob", {}, "publish", "users/ann/outbox")


def test_nothing_is_asked(local_iot_core):
    assert not local_iot_core.decisions
"""


def test_the_report_of_a_failed_test_has_its_decisions(tmp_path: Path) -> None:
    fill(tmp_path)
    shown = run_pytest(tmp_path, FAILING)
    assert "1 failed, 1 passed, 1 error" in shown, shown
    _, of_fixture, section = shown.split("decisions of IoT Core on this machine ---")
    assert "refused: bob connect ann\n    client_id_not_granted\n" in of_fixture
    assert "allowed: bob connect bob\n" in section
    assert "denied: bob publish users/ann/outbox\n    not_allowed_by_policy\n" in section


WITHOUT_CONFIGURATION = """\
import sys


def test_nothing_is_loaded_before_the_fixture_is_used():
    assert not {'uvicorn', 'iot_core.edge'} & set(sys.modules)


def test_the_fixture(local_iot_core):
    pass
"""


def test_without_a_configuration_only_the_tests_that_use_the_fixture_fail_with_one_sentence(tmp_path: Path) -> None:
    shown = run_pytest(tmp_path, WITHOUT_CONFIGURATION)
    assert "1 passed, 1 error" in shown, shown
    assert "authorizer.toml: file not found: correct its name, or create it (the setting iot_authorizer_config" in shown
    assert "Traceback" not in shown
    assert "another exception" not in shown


REFUSED = """\
def test_the_attic(local_iot_core):
    local_iot_core.client("ann", {"rooms": ["lobby"]}).subscribe("rooms/attic/#")
"""


def test_a_refused_client_shows_the_line_of_the_test_and_none_of_the_client(tmp_path: Path) -> None:
    fill(tmp_path)
    shown = run_pytest(tmp_path, REFUSED)
    assert '>       local_iot_core.client("ann", {"rooms": ["lobby"]}).subscribe("rooms/attic/#")' in shown
    assert "mqtt_test_client.py" not in shown
