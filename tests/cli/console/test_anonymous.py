"""The page as a client without credentials, of an authorizer with `[anonymous]`."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from iot_authorizer_cli.local_iot_core import LocalIotCore
from iot_core.broker.limits import IOT_CORE
from tests.cli.console.conftest import Console, Open

PUBLIC = 'name = "public"\npolicy = "policies/public.toml"\n[anonymous]\nprincipal = "public"\n'
ISSUER = """\
[[jwt]]
issuer     = "https://auth.example.com"
audience   = ["x"]
algorithms = ["RS256"]
jwks       = "https://auth.example.com/jwks.json"
"""
MEANS = "Sign in with"


@pytest.fixture
def public(folder: Path) -> Iterator[LocalIotCore]:
    """An authorizer that knows only clients without credentials."""
    (folder / "public.toml").write_text(PUBLIC)
    with LocalIotCore(folder / "public.toml", limits=IOT_CORE.without_throttling()) as core:
        yield core


def test_two_clients_without_credentials_connect_and_receive(public: LocalIotCore, open_console: Open) -> None:
    console = open_console(public.console_url)
    for card in (console.a, console.b):
        expect(card.root.get_by_label(MEANS)).to_have_value("anonymous")
        expect(card.root.get_by_label("Principal", exact=True)).to_have_value("public")
        expect(card.root.get_by_label("Principal", exact=True)).not_to_be_editable()
        card.connect()
    assert console.a.client_id.startswith("public/a-")
    assert console.b.client_id.startswith("public/b-")
    console.a.subscribe("public/#")
    console.b.publish("public/guestbook", "Hello from B")
    expect(console.a.messages.first).to_contain_text("Hello from B")
    connects = [each for each in public.feed.recent() if each.get("action") == "connect"]
    assert {(each["source"], each["principal"], each.get("hint")) for each in connects} == {
        ("anonymous", "public", None)
    }
    assert console.complaints == []


def test_a_client_without_credentials_is_told_what_its_policy_denies(public: LocalIotCore, open_console: Open) -> None:
    console = open_console(public.console_url)
    console.a.connect()
    console.a.publish("public/news")
    expect(console.a.refusal).to_contain_text("public/news")


def test_anonymous_is_a_choice_beside_credentials(folder: Path, open_console: Open) -> None:
    (folder / "both.toml").write_text(PUBLIC.replace("[anonymous]", f"{ISSUER}[anonymous]"))
    with LocalIotCore(folder / "both.toml", limits=IOT_CORE.without_throttling()) as core:
        console = open_console(core.console_url)
        expect(console.a.root.get_by_label(MEANS)).to_have_value("minted")
        choose(console, "anonymous")
        expect(console.a.root.get_by_text("The client sends no credentials")).to_be_visible()
        console.a.connect()
        assert console.a.client_id.startswith("public/a-")
        console.a.press("Disconnect")
        console.a.root.locator("summary").click()
        console.a.sign_in("ann")
        expect(console.a.root.get_by_label(MEANS)).to_have_value("minted")


def test_anonymous_is_no_choice_without_its_configuration(console: Console) -> None:
    expect(console.a.root.get_by_label(MEANS).locator("option:not([hidden])")).to_have_count(3)


def test_the_choice_disappears_with_its_configuration(folder: Path, open_console: Open) -> None:
    config = folder / "changing.toml"
    config.write_text(PUBLIC)
    with LocalIotCore(config, limits=IOT_CORE.without_throttling()) as core:
        console = open_console(core.console_url)
        expect(console.a.root.get_by_label(MEANS)).to_have_value("anonymous")
        config.write_text(PUBLIC.partition("[anonymous]")[0] + ISSUER)
        expect(console.a.root.get_by_label(MEANS)).to_have_value("minted")
        expect(console.a.root.get_by_label("Principal", exact=True)).to_be_editable()


def choose(console: Console, means: str) -> None:
    console.a.root.get_by_label(MEANS).select_option(means)
