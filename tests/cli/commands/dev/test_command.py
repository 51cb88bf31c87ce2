"""`iot-authorizer dev`: how it starts, prints and ends."""

import asyncio
import contextlib
import errno
import http.client
import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trustme

from iot_authorizer_cli.local_iot_core import LocalIotCore
from iot_core.functions.lambda_function import LOADING_TIME
from tests.cli.conftest import Run
from tests.cli.dev import PROGRAM, Dev

pytestmark = pytest.mark.slow


def refused(run: Run, *options: str) -> str:
    """The one line that it prints if it cannot start."""
    done = run("dev", "--port", "0", "--tls-port", "0", *options)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    return done.stderr


@pytest.mark.parametrize(
    ("name", "host"),
    [(signal.SIGINT, "localhost"), (signal.SIGTERM, "127.0.0.2"), (signal.SIGHUP, "localhost")],
    ids=["Ctrl-C", "SIGTERM", "the end of the terminal"],
)
def test_a_signal_ends_it_and_a_local_address_gives_no_warning(folder: Path, name: signal.Signals, host: str) -> None:
    with Dev(folder, "--host", host) as dev:
        dev.process.send_signal(name)
        assert dev.process.wait(10) == 0
        assert dev.log == ""


def test_with_nohup_the_end_of_the_terminal_does_not_end_it(folder: Path) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # As `nohup` does, for the program that it starts.
    try:
        dev = Dev(folder)
    finally:
        signal.signal(signal.SIGHUP, before)
    with dev:
        dev.process.send_signal(signal.SIGHUP)
        refuse(dev)
        dev.process.send_signal(signal.SIGINT)
        assert dev.process.wait(10) == 0


def test_ctrl_c_ends_it_while_its_handler_hangs(folder: Path) -> None:
    (folder / "hanging.py").write_text('import sys, time\n\nprint("loads", file=sys.stderr)\ntime.sleep(60)\n')
    options = ["dev", "--port", "0", "--tls-port", "0", "--handler", "hanging.handle"]
    with subprocess.Popen([str(PROGRAM), *options], cwd=folder, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == "loads\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 130
        assert process.stderr.read() == ""


def test_ctrl_c_ends_it_at_once_while_a_saved_handler_hangs(folder: Path) -> None:
    handler = folder / "own.py"
    handler.write_text("handle = print\n")
    with Dev(folder, "--handler", "own.handle") as dev:
        handler.write_text('import sys, time\n\nprint("loads", file=sys.stderr)\ntime.sleep(60)\n')
        assert dev.wait_for(1) == ["loads"]
        dev.process.send_signal(signal.SIGINT)
        assert dev.process.wait(LOADING_TIME / 2) == 0
        assert dev.log == "loads\n"


def test_a_certificate_of_the_user_s_own_is_named_with_its_hosts_and_its_end(folder: Path) -> None:
    leaf = trustme.CA().issue_cert("iot.example.com", "localhost", not_after=datetime(2099, 1, 1, tzinfo=UTC))
    leaf.cert_chain_pems[0].write_to_path(folder / "own.pem")
    leaf.private_key_pem.write_to_path(folder / "own-key.pem")
    with Dev(folder, "--certificate", "own.pem", "--key", "own-key.pem") as dev:
        assert "/mqtt  own.pem, for iot.example.com, localhost, until 2099-01-01\n" in dev.greeting


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (("--certificate", "own.pem"), "--certificate, --key: give both or neither\n"),
        (("--certificate", "own.pem", "--key", "own.key"), "iot-authorizer: own.pem: No such file or directory\n"),
    ],
)
def test_a_certificate_that_cannot_be_served_is_one_line(run: Run, options: tuple[str, ...], problem: str) -> None:
    assert refused(run, *options).endswith(problem)


@pytest.mark.parametrize("option", ["--port", "--tls-port"])
def test_a_port_in_use_is_one_line_that_names_its_option(run: Run, option: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        found = refused(run, option, str(port))
    question = f"is `iot-authorizer dev` running already? {option} names another port"
    assert found == f"iot-authorizer: port {port} of 127.0.0.1 is in use: {question}\n"


def test_the_two_ports_must_differ(run: Run) -> None:
    assert refused(run, "--port", "9100", "--tls-port", "9100").endswith(": expected two different ports\n")


def test_a_port_that_needs_a_privilege_says_which(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(asyncio.base_events.BaseEventLoop, "create_server", refuse)
    with pytest.raises(OSError, match=r"port 443 of 127\.0\.0\.1: .* CAP_NET_BIND_SERVICE .*_port_start=443.* --port "):
        LocalIotCore(folder / "authorizer.toml", port=443).__enter__()


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_an_address_that_others_can_reach_gives_a_warning(folder: Path, host: str) -> None:
    with Dev(folder, "--host", host) as dev:
        log = dev.ended_log()
    assert log.startswith(f"iot-authorizer: on {host}, anyone who can reach this machine can change authorizers")
    assert log.count("\n") == 1


def test_a_folder_that_is_a_file_is_one_line(run: Run, folder: Path) -> None:
    (folder / "taken").write_text("")
    assert "taken" in refused(run, "--data", "taken")


@pytest.mark.parametrize(("blocks", "file"), [(0, ".gitignore"), (2, "iot-core.sqlite")])
def test_a_full_disk_names_the_file_that_cannot_be_written(folder: Path, blocks: int, file: str) -> None:
    """The shell limits the size of files, in blocks of 512 bytes or 1 KiB. Python would write cut .pyc files."""
    command = f"ulimit -f {blocks}; PYTHONDONTWRITEBYTECODE=1 exec {PROGRAM} dev --port 0 --tls-port 0"
    done = subprocess.run(["bash", "-c", command], cwd=folder, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert file in done.stderr


def test_a_broken_template_is_one_line_with_its_place(run: Run, folder: Path) -> None:
    (folder / "policies" / "chat.toml").write_text("[[grant]]\npublish = 3\n")
    assert "chat.toml:2: grant[0].publish" in refused(run)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('name = "my chat"', "name: expected 1 to 128 letters, digits and _=,@-"),
        ('name = "chat"\ntoken_key_name = "my token"', "token_key_name: expected 1 to 128 letters, digits and _-"),
    ],
    ids=["name", "token_key_name"],
)
def test_a_wrong_name_says_what_was_expected(run: Run, folder: Path, line: str, expected: str) -> None:
    (folder / "authorizer.toml").write_text(f'{line}\npolicy = "policies/chat.toml"\n')
    assert refused(run).endswith(f"{expected}\n")


def test_without_a_configuration_it_says_how_to_name_one(run: Run, folder: Path) -> None:
    (folder / "authorizer.toml").unlink()
    assert "--config" in refused(run)


def publish(dev: Dev, room: str, token: str) -> int:
    """Publishes to a room as ann, over HTTP. Returns the status."""
    path = f"/topics/rooms/{room}/say/ann?x-amz-customauthorizer-name=chat&token={token}"
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", dev.port, timeout=10)) as connection:
        connection.request("POST", path, b"hello")
        return connection.getresponse().status


def refuse(dev: Dev, client_id: bytes = b"ann") -> None:
    """Connects a client that is refused, which is a line on standard error."""
    connect = b"\x00\x04MQTT\x04\x02\x00\x3c\x00" + bytes([len(client_id)]) + client_id
    with socket.create_connection(("127.0.0.1", dev.port), timeout=10) as client:
        client.sendall(bytes([0x10, len(connect)]) + connect)
        assert client.recv(4) == b"\x20\x02\x00\x05"


@pytest.fixture
def full_pipe() -> Iterator[int]:
    """A full pipe that is not read: the end to write to."""
    unread, full = os.pipe()
    os.set_blocking(full, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(full, b"x")
    os.set_blocking(full, True)
    yield full
    os.close(full)
    os.close(unread)


@pytest.fixture
def closed_pipe() -> Iterator[int]:
    """A pipe that is closed for reading: the end to write to."""
    reader, writer = os.pipe()
    os.close(reader)
    yield writer
    os.close(writer)


@pytest.mark.parametrize("pipe", ["full_pipe", "closed_pipe"])
def test_a_blocked_standard_error_stops_nothing(folder: Path, pipe: str, request: pytest.FixtureRequest) -> None:
    with Dev(folder, "--no-throttling", errors=request.getfixturevalue(pipe)) as dev:
        for _ in range(5):
            refuse(dev)
        dev.process.terminate()
        assert dev.process.wait(10) == 0


def test_with_quiet_it_prints_no_decisions(folder: Path) -> None:
    with Dev(folder, "--quiet") as dev:
        refuse(dev)
        assert dev.ended_log() == ""


def test_the_other_commands_do_not_load_the_server(folder: Path) -> None:
    code = "import sys, runpy; sys.argv = ['iot-authorizer', '--help']; sys.exitfunc = None\n"
    code += f"try:\n    runpy.run_path({str(PROGRAM)!r}, run_name='__main__')\nexcept SystemExit:\n    pass\n"
    code += "print(*sorted({'uvicorn', 'starlette', 'websockets', 'watchfiles'} & set(sys.modules)), file=sys.stderr)"
    done = subprocess.run(
        [PROGRAM.with_name("python"), "-c", code], cwd=folder, capture_output=True, text=True, check=True
    )
    assert done.stderr == "\n"


def test_at_its_end_it_says_how_many_events_of_rules_are_lost(folder: Path, run: Run) -> None:
    rule = '\n[[rule]]\nname = "waits"\ntopics = ["rooms/#"]\nfunction = "waits.on_message"\n'
    (folder / "authorizer.toml").write_text((folder / "authorizer.toml").read_text() + rule)
    source = 'import sys, time\n\n\ndef on_message(*_):\n    print("runs", file=sys.stderr)\n    time.sleep(60)\n'
    (folder / "waits.py").write_text(source)
    token = run("token", "--principal", "ann", "--claims", '{"rooms": ["lobby"]}').stdout.strip()
    with Dev(folder, "--quiet") as dev:
        assert publish(dev, "lobby", token) == 200
        assert dev.wait_for(1) == ["runs"]
        assert dev.ended_log() == "runs\nlost 1 event of rules that had not ended, which Lambda would keep\n"


def test_the_terminal_says_which_client_was_refused_and_by_which_entry(folder: Path, run: Run) -> None:
    token = run("token", "--principal", "ann", "--claims", '{"rooms": ["lobby"]}').stdout.strip()
    with Dev(folder) as dev:
        refuse(dev, b"ann\x1b[2Jevil")
        for room, status in (("attic", 403), ("lobby", 200)):
            assert publish(dev, room, token) == status
        assert refused(run).endswith(
            "another process uses this data folder: is `iot-authorizer dev` running already? "
            "--data names another folder\n"
        )
        connect, denied, allowed = dev.ended_log().splitlines()
    assert connect.startswith("refused: connect ann\\x1b[2Jevil reason=authorizer_missing")
    assert denied.startswith("denied: http_publish rooms/attic/say/ann reason=not_allowed_by_policy")
    assert denied.endswith('claims.rooms is "lobby", the topic needs "attic"')
    assert allowed == "allowed: http_publish rooms/lobby/say/ann principal=ann source=token"
