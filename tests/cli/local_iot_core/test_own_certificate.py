"""The TLS port with a certificate of the user's own: its names, who trusts it, and the tools of this machine."""

import ssl
from collections.abc import Iterator
from http.client import HTTPSConnection
from pathlib import Path

import pytest
import trustme

from iot_authorizer_cli.dev_endpoint import Unreachable
from iot_authorizer_cli.live_clients import live_clients
from iot_authorizer_cli.local_iot_core import LocalIotCore
from iot_policies import InvalidFile
from tests.local.harness.channels import connected_to, wrapped

CA = trustme.CA()
LEAF = CA.issue_cert("iot.example.com", "*.devices.example.com")


@pytest.fixture
def own(config: Path) -> Iterator[LocalIotCore]:
    """IoT Core with a certificate of the user's own, and its data in the folder `data` beside the configuration."""
    certificate, key = config.with_name("own.pem"), config.with_name("own-key.pem")
    LEAF.cert_chain_pems[0].write_to_path(certificate)
    LEAF.private_key_pem.write_to_path(key)
    with LocalIotCore(config, folder=config.parent / "data", certificate=certificate, key=key) as core:
        yield core


def test_clients_that_trust_its_ca_reach_it_under_the_certificate_s_name(own: LocalIotCore, tmp_path: Path) -> None:
    CA.cert_pem.write_to_path(tmp_path / "root.pem")
    wrapped(connected_to(own.tls_port), tmp_path / "root.pem", server_name="iot.example.com").close()
    assert (own.tls_url, own.ca_path) == (f"https://iot.example.com:{own.tls_port}", None)
    assert not (tmp_path / "data/ca.pem").exists()


@pytest.mark.parametrize(("name", "shown"), [("127.0.0.1", "127.0.0.1"), ("::1", "[::1]")])
def test_a_certificate_for_an_address_has_the_address_in_its_urls(config: Path, name: str, shown: str) -> None:
    leaf = CA.issue_cert(name)
    certificate, key = config.with_name("address.pem"), config.with_name("address-key.pem")
    leaf.cert_chain_pems[0].write_to_path(certificate)
    leaf.private_key_pem.write_to_path(key)
    with LocalIotCore(config, certificate=certificate, key=key) as core:
        assert core.tls_url == f"https://{shown}:{core.tls_port}"


@pytest.mark.parametrize(
    ("host", "status"),
    [("iot.example.com", 200), ("a.devices.example.com", 200), ("localhost", 200), ("a.example.com", 421)],
)
def test_http_is_answered_under_the_names_of_the_certificate(own: LocalIotCore, host: str, status: int) -> None:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    connection = HTTPSConnection("127.0.0.1", own.tls_port, context=context)
    connection.request("GET", "/endpoint", headers={"Host": f"{host}:{own.tls_port}"})
    assert connection.getresponse().status == status
    connection.close()


def test_the_tools_of_this_machine_recognize_the_certificate_itself(own: LocalIotCore, config: Path) -> None:
    assert live_clients(f"https://localhost:{own.tls_port}", config.parent / "data") == []


def test_the_tools_trust_no_other_certificate_of_the_same_ca_and_name(own: LocalIotCore, config: Path) -> None:
    other = CA.issue_cert("iot.example.com", "localhost")
    certificate, key = config.with_name("other.pem"), config.with_name("other-key.pem")
    other.cert_chain_pems[0].write_to_path(certificate)
    other.private_key_pem.write_to_path(key)
    with (
        LocalIotCore(config, certificate=certificate, key=key) as stranger,
        pytest.raises(Unreachable, match="is not the `dev` of this data"),
    ):
        live_clients(f"https://localhost:{stranger.tls_port}", config.parent / "data")


def test_the_next_start_without_it_has_a_certificate_of_the_local_ca(config: Path, own: LocalIotCore) -> None:
    own.__exit__(None, None, None)
    with LocalIotCore(config, folder=config.parent / "data") as core:
        assert live_clients(f"https://localhost:{core.tls_port}", config.parent / "data") == []
        wrapped(connected_to(core.tls_port), core.ca_path).close()


def test_a_certificate_that_cannot_be_served_prevents_the_start(own: LocalIotCore, config: Path) -> None:
    with pytest.raises(InvalidFile, match="are the two files swapped"):
        LocalIotCore(config, certificate=config.with_name("own-key.pem"), key=config.with_name("own.pem")).__enter__()


def test_a_certificate_needs_its_key(config: Path) -> None:
    with pytest.raises(ValueError, match="expected both certificate and key, or neither"):
        LocalIotCore(config, certificate="own.pem")
