"""How a client on the page signs in: tokens, passwords, claims and client IDs, and what a reload keeps."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from iot_authorizer_cli.commands.keys.changing import make_key
from iot_authorizer_cli.local_iot_core import LocalIotCore
from iot_core.broker.limits import IOT_CORE
from iot_identities.passwords import hash_password
from tests.cli.console.conftest import CLAIMS, Console, Open, authorizer, choose


@pytest.fixture
def with_passwords(folder: Path) -> Iterator[LocalIotCore]:
    """IoT Core for devices that have passwords and no tokens."""
    users = f'[users.pump-7]\nhash = "{hash_password("correct horse")}"\nclaims = {{ role = "device" }}\n'
    (folder / "passwords.toml").write_text(users)
    text = 'name = "fleet"\npolicy = "policies/fleet.toml"\n[passwords]\nfile = "passwords.toml"\n'
    yield from authorizer(folder, "passwords-only.toml", text)


def test_a_user_name_and_a_password_connect_and_a_wrong_password_shows_its_reason(
    with_passwords: LocalIotCore, open_console: Open
) -> None:
    console = open_console(with_passwords.console_url)
    choose(console, "user name and password")
    console.a.fill("Password", "wrong horse")
    console.a.press("Connect")
    expect(console.a.refusal).to_contain_text("wrong_password")
    console.a.fill("Password", "correct horse")
    console.a.connect()
    row = console.decisions.filter(has_text="allowed").filter(has_text="pump-7")
    row.get_by_role("button").click()
    expect(row.get_by_role("definition").filter(has_text="password")).to_be_visible()


def test_a_pasted_token_connects_and_a_missing_one_is_asked_for(core: LocalIotCore, console: Console) -> None:
    choose(console, "a pasted token")
    console.a.press("Connect")
    expect(console.a.root.get_by_role("alert").filter(has_text="enter a token")).to_be_visible()
    console.a.root.locator("[data-part=secret]").fill(core.token("ann", {"rooms": ["attic"]}, 60))
    console.a.connect()
    console.a.subscribe("rooms/attic/#")
    expect(console.a.subscriptions).to_contain_text("QoS 1")


def test_claims_that_are_not_json_get_an_error_beside_their_field(console: Console) -> None:
    console.a.fill(CLAIMS, '{"rooms": [lobby]}')
    console.a.press("Connect")
    field = console.a.root.locator("label", has=console.page.get_by_label(CLAIMS))
    expect(field.get_by_role("alert")).to_contain_text("not valid JSON")


def test_typed_values_survive_a_reload_and_secrets_do_not(console: Console) -> None:
    console.a.fill("Principal", "zoe")
    console.a.fill(CLAIMS, '{"rooms": ["attic"]}')
    console.a.connect()
    console.page.get_by_label("Which decisions").select_option("not allowed")
    console.a.press("Disconnect")
    console.a.root.get_by_text("Sign in", exact=True).click()
    choose(console, "user name and password")
    console.a.fill("Password", "correct horse")
    console.page.reload()
    expect(console.a.root.get_by_label("Principal", exact=True)).to_have_value("zoe")
    expect(console.a.root.get_by_label(CLAIMS)).to_have_value('{"rooms": ["attic"]}')
    expect(console.a.root.get_by_label("Password", exact=True)).to_have_value("")
    expect(console.page.get_by_label("Which decisions")).to_have_value("refused")
    kept = console.page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}])")
    assert ("eyJ" in kept, "horse" in kept) == (False, False)


def test_two_tabs_do_not_take_over_each_others_connection(open_console: Open) -> None:
    first = open_console()
    second = Console(first.page.context.new_page(), first.page.url)
    first.a.sign_in("ann")
    second.a.sign_in("ann")
    expect(first.a.state).to_have_text("connected")


def test_a_client_id_follows_its_principal(console: Console) -> None:
    console.a.fill("Client ID", "ann/mine")
    console.a.fill("Principal", "bea")
    expect(console.a.root.get_by_label("Client ID")).to_have_value(re.compile("^bea"))


def test_a_client_id_follows_a_template_that_was_saved_during_a_connection(folder: Path, open_console: Open) -> None:
    for file, text in (
        ("moved.toml", '[[grant]]\nconnect = ["{principal}/*"]\npublish = ["x"]\n'),
        ("moved-authorizer.toml", 'name = "moved"\npolicy = "moved.toml"\n[anonymous]\nprincipal = "guest"\n'),
    ):
        (folder / file).write_text(text)
    with LocalIotCore(folder / "moved-authorizer.toml", limits=IOT_CORE.without_throttling()) as core:
        console = open_console(core.console_url)
        console.a.fill("Principal", "ann")
        console.a.connect()
        (folder / "moved.toml").write_text('[[grant]]\nconnect = ["{principal}"]\npublish = ["x"]\n')
        expect(console.a.state).to_have_attribute("data-state", "closed")
        expect(console.a.root.get_by_label("Client ID")).to_have_value("ann")


def test_the_policy_of_a_user_with_a_password_has_the_stored_claims(
    with_passwords: LocalIotCore, open_console: Open
) -> None:
    console = open_console(with_passwords.console_url)
    choose(console, "password")
    console.a.fill("Principal", "pump-7")
    console.a.fill(CLAIMS, "{}")
    expect(console.page.locator("#statements")).to_contain_text("topic/devices/pump-7/telemetry/")
    expect(console.a.root.get_by_text('Stored claims: {"role":"device"}')).to_be_visible()


def test_with_signing_a_development_token_is_signed_with_the_key_on_this_machine(
    folder: Path, open_console: Open
) -> None:
    path = folder / "signing.toml"
    path.write_text((folder / "authorizer.toml").read_text())
    make_key(path, "page", 2048)
    with LocalIotCore(path, limits=IOT_CORE.without_throttling()) as core:
        console = open_console(core.console_url)
        expect(console.page.locator("#notice")).to_contain_text("Development tokens are signed with the key page.")
        console.a.sign_in("ann")
