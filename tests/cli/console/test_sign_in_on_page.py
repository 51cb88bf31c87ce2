"""Ways to prove who a client of the page is."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from iot_authorizer_cli.local_iot_core import LocalIotCore
from iot_core.broker.limits import IOT_CORE
from iot_identities.passwords import hash_password
from tests.cli.console.conftest import Console, Open


@pytest.fixture
def of_passwords(folder: Path) -> Iterator[LocalIotCore]:
    """IoT Core for devices that have passwords and no tokens."""
    users = f'[users.pump-7]\nhash = "{hash_password("correct horse")}"\nclaims = {{ role = "device" }}\n'
    (folder / "passwords.toml").write_text(users)
    path = folder / "passwords-only.toml"
    path.write_text('name = "fleet"\npolicy = "policies/fleet.toml"\n[passwords]\nfile = "passwords.toml"\n')
    with LocalIotCore(path, limits=IOT_CORE.without_throttling()) as core:
        yield core


def choose(console: Console, means: str) -> None:
    console.a.root.get_by_label("Sign in with").select_option(means)


def test_a_user_name_and_a_password_connect(of_passwords: LocalIotCore, open_console: Open) -> None:
    console = open_console(of_passwords.url)
    choose(console, "user name and password")
    console.a.fill("Password", "correct horse")
    console.a.connect()
    row = console.decisions.filter(has_text="allowed").filter(has_text="pump-7")
    row.get_by_role("button").click()
    expect(row.get_by_role("definition").filter(has_text="password")).to_be_visible()


def test_a_wrong_password_shows_its_reason(of_passwords: LocalIotCore, open_console: Open) -> None:
    console = open_console(of_passwords.url)
    choose(console, "user name and password")
    console.a.fill("Password", "wrong horse")
    console.a.press("Connect")
    expect(console.a.refusal).to_contain_text("wrong_password")


def test_a_pasted_token_connects(core: LocalIotCore, console: Console) -> None:
    choose(console, "a pasted token")
    console.a.fill("Token", core.issuer.token("ann", {"rooms": ["attic"]}, 60))
    console.a.connect()
    console.a.subscribe("rooms/attic/#")
    expect(console.a.subscriptions).to_contain_text("QoS 1")


def test_a_token_that_is_not_there_is_asked_for(console: Console) -> None:
    choose(console, "a pasted token")
    console.a.press("Connect")
    expect(console.a.root.get_by_role("alert").filter(has_text="expected a token")).to_be_visible()


def test_no_secret_survives_a_reload(console: Console) -> None:
    choose(console, "user name and password")
    console.a.fill("Password", "correct horse")
    console.page.reload()
    expect(console.a.root.get_by_label("Password", exact=True)).to_have_value("")
    assert "horse" not in console.page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}])")
