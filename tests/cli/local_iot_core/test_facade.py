"""`LocalIotCore`, as users' tests use it."""

import asyncio
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import jwt
import pytest
import uvloop

from iot_authorizer_cli.local_iot_core import LocalIotCore
from iot_core.broker.message import Message
from iot_core.broker.storage import StorageError
from iot_core.mqtt import ConnectReturnCode, Publish
from tests.local.harness.channels import SocketChannel, connected_to
from tests.local.harness.client import Client
from tests.local.harness.running import LoopFactory


@contextmanager
def client(core: LocalIotCore) -> Iterator[Client]:
    with Client(SocketChannel(connected_to(core.port))) as client:
        yield client


def user_name(token: str) -> str:
    return f"?x-amz-customauthorizer-name=chat&token={token}"


@contextmanager
def connected(core: LocalIotCore, principal: str = "ann") -> Iterator[Client]:
    """A connected client."""
    with client(core) as found:
        assert found.connect(principal, user_name=user_name(core.token(principal))).reason_code == 0
        yield found


def test_with_runs_the_server_in_a_thread(config: Path) -> None:
    with LocalIotCore(config) as core, connected(core) as ann:
        ann.publish("ann/x", qos=1)


@pytest.mark.parametrize("loop_factory", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def test_async_with_runs_the_server_on_the_callers_loop(config: Path, loop_factory: LoopFactory) -> None:
    async def main() -> None:
        async with LocalIotCore(config) as core:
            reader, writer = await asyncio.open_connection("127.0.0.1", core.port)
            writer.write(b"\xc0\x00")
            assert await reader.read() == b""
            writer.close()

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(main())


def test_by_default_any_free_ports_are_used(config: Path) -> None:
    with LocalIotCore(config) as core:
        assert core.port != core.tls_port
        assert core.url == f"http://localhost:{core.port}"
        assert core.tls_url == f"https://localhost:{core.tls_port}"


def test_a_token_can_have_any_principal_and_claims(config: Path) -> None:
    with LocalIotCore(config) as core:
        claims = jwt.decode(core.token("ann", {"rooms": ["a"]}, 60), options={"verify_signature": False})
    assert (claims["sub"], claims["rooms"], claims["exp"] - claims["iat"]) == ("ann", ["a"], 60)


def test_two_servers_at_once_share_nothing(config: Path) -> None:
    with LocalIotCore(config) as one, LocalIotCore(config, region="eu-west-1", account="210987654321") as other:
        with connected(one), connected(other), client(other) as stranger:
            code = stranger.connect("bob", user_name=user_name(one.token("bob"))).reason_code
            assert code == ConnectReturnCode.NOT_AUTHORIZED
        assert one.ca_path is not None
        assert other.ca_path is not None
        assert one.ca_path.read_bytes() != other.ca_path.read_bytes()


def test_two_servers_can_run_on_one_loop(config: Path) -> None:
    async def main() -> set[int]:
        async with LocalIotCore(config) as one, LocalIotCore(config) as other:
            return {one.port, one.tls_port, other.port, other.tls_port}

    assert len(asyncio.run(main())) == 4


def test_many_servers_can_run_in_threads(config: Path) -> None:
    found: list[int] = []

    def run() -> None:
        with LocalIotCore(config) as core, connected(core) as ann:
            ann.publish("ann/x", qos=1)
            found.append(core.port)

    threads = [threading.Thread(target=run) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 6


def test_call_runs_a_function_on_the_servers_loop(config: Path) -> None:
    with LocalIotCore(config) as core, connected(core) as ann:
        ann.subscribe("ann/#")
        core.call(lambda: core.broker.publish(Message("ann/news", b"hello")))
        assert ann.expect(Publish).payload == b"hello"


def test_call_raises_what_the_function_raises(config: Path) -> None:
    with LocalIotCore(config) as core, pytest.raises(ZeroDivisionError):
        core.call(lambda: 1 // 0)


def test_without_a_thread_call_is_an_error(config: Path) -> None:
    with pytest.raises(RuntimeError):
        LocalIotCore(config).call(lambda: None)


def test_without_a_data_folder_nothing_survives(config: Path) -> None:
    with LocalIotCore(config) as core:
        assert core.ca_path is not None
        folder = core.ca_path.parent
        assert folder.is_dir()
    assert not folder.exists()
    assert not (config.parent / ".iot-authorizer").exists()


def test_only_one_server_at_a_time_can_use_a_data_folder(config: Path) -> None:
    data = config.parent / "data"
    with LocalIotCore(config, folder=data), pytest.raises(StorageError, match="another"):
        LocalIotCore(config, folder=data).__enter__()
    with LocalIotCore(config, folder=data) as core:
        core.token("ann")


def test_the_ca_in_a_data_folder_stays_the_same(config: Path) -> None:
    data = config.parent / "data"
    found = set()
    for _ in range(2):
        with LocalIotCore(config, folder=data) as core:
            context = ssl.create_default_context(cafile=core.ca_path)
            with context.wrap_socket(connected_to(core.tls_port), server_hostname="127.0.0.1"):
                found.add((data / "ca.pem").read_bytes())
    assert len(found) == 1
    assert (data / "ca-key.pem").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("host", "url"), [("127.0.0.1", "localhost"), ("0.0.0.0", "localhost"), ("127.0.0.2", "127.0.0.2")]
)
def test_the_urls_are_usable_by_clients(config: Path, host: str, url: str) -> None:
    with LocalIotCore(config, host=host) as core:
        assert core.url == f"http://{url}:{core.port}"
        context = ssl.create_default_context(cafile=core.ca_path)
        with (
            socket.create_connection((url, core.tls_port), 10) as connection,
            context.wrap_socket(connection, server_hostname=url) as secure,
        ):
            secure.sendall(b"\xc0\x00")
            assert secure.recv(1) == b""
