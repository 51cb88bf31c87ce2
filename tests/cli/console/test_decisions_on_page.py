"""The feed of decisions on the page."""

import pytest
from playwright.sync_api import expect

from tests.cli.console.conftest import Ask, Console, Open

MUTE = "rooms/lobby/mute/bob"


def test_a_decision_says_who_by_which_source_and_by_which_entry(console: Console) -> None:
    console.a.sign_in("ann")
    row = console.decisions.filter(has_text="allowed").filter(has_text=console.a.client_id)
    expect(row).to_contain_text('by grant "inbox", connect = "{principal}/*"')
    row.get_by_role("button").click()
    expect(row.get_by_role("definition").filter(has_text="token")).to_be_visible()


def test_the_filter_leaves_what_is_refused(console: Console) -> None:
    console.a.sign_in("ann")
    console.a.publish(MUTE, "quiet!")
    expect(console.a.refusal).to_be_visible()
    console.page.get_by_label("Which decisions").select_option("refused only")
    expect(console.decisions.filter(has_text="allowed")).to_have_count(0)
    expect(console.decisions.filter(has_text=MUTE).first).to_be_visible()


def test_the_filter_leaves_one_client(console: Console) -> None:
    console.a.sign_in("ann")
    console.b.sign_in("bob, moderator")
    console.page.get_by_label("Of which client").select_option(console.b.client_id)
    expect(console.decisions.filter(has_text="connected")).to_have_count(1)


def test_a_pause_holds_rows_back_and_loses_none(console: Console) -> None:
    console.page.get_by_role("button", name="Pause").click()
    before = console.decisions.count()
    console.a.sign_in("ann")
    go_on = console.page.get_by_role("button", name="Go on (")
    go_on.wait_for()
    assert console.decisions.count() == before
    go_on.click()
    expect(console.decisions.filter(has_text="connect").first).to_be_visible()


def test_a_connection_that_broke_a_rule_is_marked_and_stays_under_refused_only(console: Console) -> None:
    console.a.sign_in("ann")
    console.a.publish("rooms/+/x")
    console.page.get_by_label("Which decisions").select_option("refused only")
    row = console.decisions.filter(has_text="disconnected").filter(has_text=console.a.client_id)
    expect(row).to_have_class("presence refused")


def test_a_refused_row_explains_itself(console: Console) -> None:
    console.a.sign_in("ann")
    console.a.publish(MUTE, "quiet!")
    row = console.decisions.filter(has_text=MUTE).filter(has_text=console.a.client_id)
    row.get_by_role("button").click()
    expect(row.get_by_role("listitem")).to_contain_text("needs role = moderator or admin")


def test_what_happened_before_is_there_and_counts_for_no_client(open_console: Open) -> None:
    first = open_console()
    first.a.sign_in("ann")
    first.a.publish(MUTE, "quiet!")
    expect(first.a.refusal).to_be_visible()
    second = open_console()
    expect(second.decisions.filter(has_text=MUTE).first).to_be_visible()
    expect(second.a.refusal).to_be_hidden()


@pytest.mark.parametrize(
    ("method", "path", "words"),
    [
        ("POST", "/topics/wording", "publish over HTTPS wording"),
        ("GET", "/retainedMessage/wording", "read the retained message over HTTPS wording"),
        ("GET", "/retainedMessage", "list retained messages over HTTPS *"),
    ],
)
def test_what_is_decided_over_https_is_said_in_words(
    open_console: Open, ask: Ask, method: str, path: str, words: str
) -> None:
    ask(path, body=b"" if method == "POST" else None)
    expect(open_console().decisions.filter(has_text=words).first).to_be_visible()


def test_no_more_than_200_rows_are_kept(open_console: Open, ask: Ask) -> None:
    for number in range(220):
        ask(f"/topics/flood%2F{number}", body=b"")
    console = open_console()
    expect(console.decisions.filter(has_text="flood/219")).to_be_visible()
    expect(console.decisions).to_have_count(200)
