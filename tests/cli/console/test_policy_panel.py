"""The compiled policy next to its template, on the page."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.cli.console.conftest import Console


@pytest.fixture
def template(folder: Path) -> Path:
    return folder / "policies/chat.toml"


def test_each_line_says_whether_it_applies(console: Console) -> None:
    lines = console.page.locator("#template-lines > li")
    expect(lines.filter(has_text="users/{principal}/outbox")).to_have_class("applies")
    expect(lines.filter(has_text="rooms/+/mute/+")).to_contain_text("needs role = moderator or admin")


def test_the_policy_is_of_the_client_that_is_chosen(console: Console) -> None:
    console.page.get_by_role("group", name="Whose policy").get_by_role("button", name="bob").click()
    expect(console.page.locator("#statements")).to_contain_text("topic/rooms/*/mute/*")


def test_the_policy_follows_what_is_typed(console: Console) -> None:
    console.a.fill("Claims, a JSON object", '{"rooms": ["cellar"]}')
    expect(console.page.locator("#statements")).to_contain_text("topic/rooms/cellar/say/ann")


def test_a_line_leads_to_the_resources_that_it_asks_for(console: Console) -> None:
    console.page.get_by_role("button", name="rooms/{claims.rooms}/say/{principal}").click()
    expect(console.page.locator("#statements .lit")).to_have_text("topic/rooms/lobby/say/ann")


def test_a_resource_leads_to_the_line_that_asks_for_it(console: Console) -> None:
    console.page.get_by_role("button", name="topic/rooms/lobby/topic").click()
    expect(console.page.locator("#template-lines .lit")).to_contain_text("rooms/{claims.rooms}/topic")


def test_a_question_is_explained(console: Console) -> None:
    console.page.get_by_label("Topic, topic filter or client ID").fill("rooms/attic/say/ann")
    console.page.get_by_role("button", name="Explain").click()
    expect(console.page.locator("#ask-answer")).to_contain_text("is for another claims.rooms")


def test_a_question_that_is_none_is_answered_beside_its_field(console: Console) -> None:
    console.page.get_by_label("Topic, topic filter or client ID").fill("rooms/#")
    console.page.get_by_role("button", name="Explain").click()
    expect(console.page.locator("#ask-error")).to_have_text("a topic name holds no + and no #")


def test_a_principal_that_gets_no_policy_is_told_why(console: Console) -> None:
    console.a.fill("Principal", "ann/+")
    expect(console.page.locator("#policy-size")).to_contain_text("unsafe_value")


def test_a_broken_template_shows_a_banner_until_it_is_mended(console: Console, template: Path) -> None:
    good = template.read_text()
    banner = console.page.locator("#problem")
    expect(banner).to_be_hidden()
    try:
        template.write_text(good.replace('"rooms/+/mute/+"', '"rooms/+/mute/#/x"'))
        expect(banner).to_contain_text("# must be the last level", timeout=15_000)
        expect(console.page.locator("#template-lines .problem")).to_contain_text("rooms/+/mute/#/x")
        expect(console.page.locator("#template-note")).to_have_text("This is not what is in force.")
        console.a.sign_in("ann")
    finally:
        template.write_text(good)
    expect(banner).to_be_hidden(timeout=15_000)
    expect(console.page.locator("#template-lines .problem")).to_have_count(0)


def test_another_template_is_shown_once_it_is_saved(console: Console, template: Path) -> None:
    good = template.read_text()
    try:
        template.write_text(good.replace("users/{principal}/outbox", "users/{principal}/letters"))
        expect(console.page.locator("#statements")).to_contain_text("topic/users/ann/letters", timeout=15_000)
    finally:
        template.write_text(good)
    expect(console.page.locator("#statements")).to_contain_text("topic/users/ann/outbox", timeout=15_000)


def test_a_question_about_nothing_is_told_what_to_name(console: Console) -> None:
    console.page.get_by_role("button", name="Explain").click()
    expect(console.page.locator("#ask-error")).to_have_text("name a topic, a filter or a client ID")


@pytest.mark.parametrize(
    ("action", "example"),
    [("publish", "rooms/lobby/say/bob"), ("subscribe", "rooms/lobby/#"), ("connect", "bob/*")],
)
def test_the_example_of_a_question_is_the_principals_own(console: Console, action: str, example: str) -> None:
    console.page.get_by_role("group", name="Whose policy").get_by_role("button", name="bob").click()
    console.page.get_by_label("Action").select_option(action)
    field = console.page.get_by_label("Topic, topic filter or client ID")
    expect(field).to_have_attribute("placeholder", example)


def test_the_policys_size_is_said_with_its_limits(console: Console) -> None:
    expect(console.page.locator("#policy-size")).to_have_text(
        re.compile(r"^1 of 10 documents · \d+ of 20,480 characters$")
    )
