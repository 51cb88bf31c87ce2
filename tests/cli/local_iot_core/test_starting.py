"""A start that fails says why, and leaves no resource."""

import asyncio
import contextlib
import http.client
import re
import socket
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from iot_authorizer_cli.local_iot_core import LocalIotCore
from iot_core.broker.storage import StorageError
from iot_core.functions.lambda_function import BrokenHandler
from iot_policies import InvalidFile
from tests.local.harness.function import Function


@pytest.mark.parametrize("which", ["port", "tls_port"])
def test_a_port_in_use_is_an_os_error_that_names_the_option(config: Path, which: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(OSError, match=f"port {port} of 127.0.0.1 is in use"):
            LocalIotCore(config, **{which: port}).__enter__()


def test_a_host_of_another_machine_is_an_os_error(config: Path) -> None:
    with pytest.raises(OSError, match=r"port 0 of 192\.0\.2\.1"):
        LocalIotCore(config, host="192.0.2.1").__enter__()


def test_a_failed_start_leaves_no_open_port_or_file(config: Path) -> None:
    before = set(threading.enumerate())
    data = config.parent / "data"
    with socket.create_server(("127.0.0.1", 0)) as other:
        for _ in range(3):
            with pytest.raises(OSError):
                LocalIotCore(config, folder=data, tls_port=other.getsockname()[1]).__enter__()
    with LocalIotCore(config, folder=data):
        pass
    for thread in set(threading.enumerate()) - before:
        thread.join(60)
        assert not thread.is_alive(), thread


@pytest.mark.parametrize(
    ("name", "content"),
    [("iot-core.sqlite", b"no database" * 100), ("ca.pem", b"no CA"), ("authorizers.json", b"{")],
)
def test_an_invalid_file_of_the_data_folder_is_named(config: Path, name: str, content: bytes) -> None:
    data = config.parent / "data"
    with LocalIotCore(config, folder=data):
        pass
    (data / name).write_bytes(content)
    with pytest.raises((InvalidFile, StorageError), match=name):
        LocalIotCore(config, folder=data).__enter__()


def test_an_invalid_row_is_a_storage_error(config: Path) -> None:
    data = config.parent / "data"
    with LocalIotCore(config, folder=data):
        pass
    with contextlib.closing(sqlite3.connect(data / "iot-core.sqlite")) as database, database:
        database.execute("INSERT INTO session VALUES ('ann', 7, 60, 'ann', 'yesterday', NULL)")
    with pytest.raises(StorageError, match=r"iot-core\.sqlite cannot be read, remove it"):
        LocalIotCore(config, folder=data).__enter__()


def test_an_invalid_message_is_the_same_storage_error_at_each_start(config: Path) -> None:
    data = config.parent / "data"
    with LocalIotCore(config, folder=data):
        pass
    with contextlib.closing(sqlite3.connect(data / "iot-core.sqlite")) as database, database:
        database.execute("INSERT INTO retained VALUES ('a', x'00', NULL, 1)")
    with pytest.raises(StorageError, match="be read") as first:
        LocalIotCore(config, folder=data).__enter__()
    with pytest.raises(StorageError) as second:  # While the first exception still keeps what it came from.
        LocalIotCore(config, folder=data).__enter__()
    assert str(second.value) == str(first.value)


@pytest.mark.parametrize("data", ["authorizer.toml", "/proc/nowhere"], ids=["a file", "not writable"])
def test_a_data_folder_that_cannot_be_used_is_an_os_error(config: Path, data: str) -> None:
    with pytest.raises(OSError):
        LocalIotCore(config, folder=config.parent / data).__enter__()


def test_an_invalid_configuration_is_an_invalid_file_error(config: Path) -> None:
    config.write_text("name = 3")
    with pytest.raises(InvalidFile, match=r"authorizer.toml:1: name"):
        LocalIotCore(config).__enter__()


@pytest.mark.parametrize(
    "handler", ["nowhere", "nowhere.lambda_handler", "json.no_such_function", ".x", "a..b", "os.path"]
)
def test_a_missing_handler_is_named(config: Path, handler: str) -> None:
    with pytest.raises(BrokenHandler, match=re.escape(handler)):
        LocalIotCore(config, handler=handler).__enter__()


def test_a_handler_that_hangs_while_it_loads_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("iot_authorizer_cli.project.reloading.LOADING_TIME", 0.3)
    monkeypatch.syspath_prepend(tmp_path)
    Function.gate = threading.Event()
    (tmp_path / "hanging.py").write_text("from tests.local.harness.function import Function\nFunction.gate.wait()\n")
    with pytest.raises(BrokenHandler, match=r"hanging\.handle did not load within 0\.3 seconds"):
        LocalIotCore(tmp_path / "authorizer.toml", handler="hanging.handle").__enter__()
    Function.gate.set()


def test_an_exception_in_a_handler_is_told_with_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "mistaken.py").write_text("import time\n\ndef handle(:\n")
    with pytest.raises(BrokenHandler, match=r"SyntaxError: .*mistaken\.py:3$"):
        LocalIotCore(tmp_path / "authorizer.toml", handler="mistaken.handle").__enter__()


def test_nothing_of_http_is_loaded_before_the_first_request(config: Path) -> None:
    """No MQTT client waits for the page, its server and the prover to load."""
    of_http = "{'starlette', 'uvicorn', 'h11', 'iot_policies.proofs', 'iot_authorizer_cli.console.app'}"
    program = f"""
import sys, urllib.request
from pathlib import Path
from typing import Any
import iot_authorizer_cli.commands.dev.serving
from iot_authorizer_cli.local_iot_core import LocalIotCore
with LocalIotCore(Path({str(config)!r})) as core:
    before = {of_http} & set(sys.modules)
    urllib.request.urlopen(core.url + "/endpoint?endpointType=iot:Data-ATS").close()
    print(sorted(before), sorted({of_http} - set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("[] []\n", "")


def test_a_request_is_answered_before_the_tls_port_is_open(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    statuses: list[int] = []

    def ask() -> None:
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port)) as connection:
            connection.request("GET", "/console/state")
            statuses.append(connection.getresponse().status)

    async def start() -> None:
        loop = asyncio.get_running_loop()
        create_server = loop.create_server

        async def after_a_request(*arguments: Any, **options: Any) -> asyncio.Server:  # noqa: ANN401 (as asyncio)
            if options["ssl"] is not None:
                await asyncio.to_thread(ask)
            return await create_server(*arguments, **options)

        monkeypatch.setattr(loop, "create_server", after_a_request)
        async with LocalIotCore(config, port=port):
            pass

    asyncio.run(start())
    assert statuses == [403]
