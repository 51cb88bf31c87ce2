"""The panel of the policy on the page: the template, the compiled policy, and questions about it."""

import re
import shlex
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.cli.console.conftest import Console, Edit, Open
from tests.cli.in_process import run_here

RESOURCE = "Topic, topic filter or client ID"
WIDE = '\n[[grant]]\nname = "wide"\nwiden = true\npublish = ["a/+/b/#"]\n'


def choose_bob(console: Console) -> None:
    console.page.get_by_role("group", name="Whose policy").get_by_role("button", name="bob").click()


def test_each_line_says_whether_it_applies_and_leads_to_its_resources_and_back(console: Console) -> None:
    lines = console.page.locator("#template-lines > li")
    expect(lines.filter(has_text="users/{principal}/outbox")).to_have_class("applies")
    expect(lines.filter(has_text="rooms/+/mute/+")).to_contain_text("needs role = moderator or admin")
    console.page.get_by_role("button", name="rooms/{claims.rooms}/say/{principal}").click()
    expect(console.page.locator("#statements .lit")).to_have_text("topic/rooms/lobby/say/ann")
    console.page.get_by_role("button", name="topic/rooms/lobby/topic").click()
    expect(console.page.locator("#template-lines .lit")).to_contain_text("rooms/{claims.rooms}/topic")


def test_the_policy_is_the_chosen_clients_and_follows_its_form(console: Console) -> None:
    size = console.page.locator("#policy-size")
    expect(size).to_have_text(re.compile(r"^1 of 10 documents · \d+ of 20,480 characters$"))
    console.a.fill("Claims (JSON object)", '{"rooms": ["cellar"]}')
    expect(console.page.locator("#statements")).to_contain_text("topic/rooms/cellar/say/ann")
    console.a.fill("Principal", "ann/+")
    expect(size).to_contain_text("unsafe_value")
    choose_bob(console)
    expect(console.page.locator("#statements")).to_contain_text("topic/rooms/*/mute/*")


@pytest.mark.parametrize(
    ("resource", "where", "answer"),
    [
        ("rooms/attic/say/ann", "#ask-answer", 'claims.rooms is "lobby", the topic needs "attic"'),
        ("rooms/#", "#ask-error", "a topic name must not contain a wildcard"),
        ("", "#ask-error", "enter a topic, a topic filter or a client ID"),
    ],
)
def test_a_question_is_explained_or_gets_an_error(console: Console, resource: str, where: str, answer: str) -> None:
    console.page.get_by_label(RESOURCE).fill(resource)
    console.page.get_by_role("button", name="Explain").click()
    expect(console.page.locator(where)).to_contain_text(answer)


def test_the_example_of_a_question_is_the_chosen_clients(console: Console) -> None:
    choose_bob(console)
    for action, example in (("publish", "rooms/lobby/say/bob"), ("subscribe", "rooms/lobby/#"), ("connect", "bob/*")):
        console.page.get_by_label("Action").select_option(action)
        expect(console.page.get_by_label(RESOURCE)).to_have_attribute("placeholder", example)


def test_an_answer_leads_to_its_line(console: Console) -> None:
    console.page.get_by_label(RESOURCE).fill("rooms/lobby/say/ann")
    console.page.get_by_role("button", name="Explain").click()
    console.page.locator("#ask-answer").get_by_role("button", name="line 21").click()
    expect(console.page.locator("#template-lines .lit")).to_contain_text("rooms/{claims.rooms}/say/{principal}")
    expect(console.page.locator("#statements .lit")).to_have_text("topic/rooms/lobby/say/ann")


def test_a_question_is_copied_as_a_command_that_gives_its_answer(open_console: Open, folder: Path) -> None:
    page = open_console(permissions=["clipboard-read", "clipboard-write"]).page
    page.get_by_label(RESOURCE).fill("rooms/lobby/mute/it's bob")
    page.get_by_role("button", name="Explain").click()
    page.get_by_role("button", name="Copy as a command").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    command = page.evaluate("navigator.clipboard.readText()")
    printed = run_here(folder, *shlex.split(command)[1:]).stdout
    assert printed.startswith("denied: publish rooms/lobby/mute/it's bob\n")
    shown = page.locator("#ask-answer li").inner_text()
    assert printed.splitlines()[1].strip() == shown.removesuffix(" line 28")


def test_a_broken_template_shows_a_banner_until_it_is_repaired(console: Console, edit: Edit) -> None:
    banner = console.page.locator("#problem")
    expect(banner).to_be_hidden()
    edit('"rooms/+/mute/+"', '"rooms/+/mute/#/x"')
    expect(banner).to_contain_text("# must be the last level")
    line = console.page.locator("#template-lines .problem")
    expect(line).to_contain_text('"rooms/+/mute/#/x": # must be the last level')
    expect(console.page.locator("#template-note")).to_have_text("This file is not in force.")
    console.a.sign_in("ann")
    edit()
    expect(banner).to_be_hidden()
    expect(console.page.locator("#template-lines .problem")).to_have_count(0)


PROVED = "Proved: every principal that gets a policy may do what the template in force says, and nothing else."


def test_another_template_is_shown_with_its_proof_when_it_is_saved(console: Console, edit: Edit) -> None:
    proof, statements = console.page.locator("#proof"), console.page.locator("#statements")
    expect(proof).to_have_text(PROVED)
    edit("users/{principal}/outbox", "users/{principal}/letters", WIDE)
    expect(statements).to_contain_text("topic/users/ann/letters")
    expect(proof.get_by_role("listitem")).to_contain_text('grant "wide", publish = "a/+/b/#": `widen` allows more')
    edit()
    expect(statements).to_contain_text("topic/users/ann/outbox")
    expect(proof).to_have_text(PROVED)
    assert console.complaints == []
