"""Runs Debian's mosquitto with an ACL file and a password file."""

import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.clients.needs import needs
from tests.local.harness.channels import PATIENCE, connected_to

_SETTINGS = """\
listener {port} 127.0.0.1
user root
acl_file {folder}/acl
password_file {folder}/passwd
allow_anonymous true
persistence false
log_type error
"""


def write_passwords(folder: Path, passwords: Mapping[str, str]) -> None:
    """Writes `passwd` as `mosquitto_passwd` does."""
    (folder / "passwd").touch()
    for name, password in passwords.items():
        command = [needs("mosquitto_passwd"), "-b", "passwd", name, password]
        subprocess.run(command, cwd=folder, check=True, capture_output=True)


@contextmanager
def mosquitto(folder: Path, more: str = "") -> Iterator[int]:
    """Runs mosquitto with the files `acl` and `passwd` of a folder, and with more settings; gives its port."""
    port = _free_port()
    settings = folder / "mosquitto.conf"
    settings.write_text(_SETTINGS.format(port=port, folder=folder) + more)
    with subprocess.Popen([needs("mosquitto"), "-c", settings], stderr=subprocess.PIPE, text=True) as process:
        try:
            _wait_for(process, port)
            yield port
        finally:
            process.terminate()


def _wait_for(process: "subprocess.Popen[str]", port: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            connected_to(port).close()
            return
        except OSError:
            assert process.poll() is None, process.communicate()[1]
            assert time.monotonic() < deadline
            time.sleep(0.01)


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port
