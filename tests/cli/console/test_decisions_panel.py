"""The panel of decisions on the page."""

from playwright.sync_api import expect

from tests.cli.console.conftest import Ask, Console, Edit, Open

MUTE = "rooms/lobby/mute/bob"


def test_a_decision_says_its_credential_source_and_its_entry(console: Console) -> None:
    console.a.sign_in("ann")
    row = console.decisions.filter(has_text="allowed").filter(has_text=console.a.client_id)
    expect(row).to_contain_text('by grant "inbox", connect = "{principal}/*"')
    row.get_by_role("button").click()
    expect(row.get_by_role("definition").filter(has_text="token")).to_be_visible()


def test_the_filters_show_refusals_only_or_one_client_only(console: Console) -> None:
    console.a.sign_in("ann")
    console.b.sign_in("bob, moderator")
    console.page.get_by_label("Which client").select_option(console.b.client_id)
    expect(console.decisions.filter(has_text="connected")).to_have_count(1)
    console.page.get_by_label("Which client").select_option("every client")
    console.a.publish(MUTE, "quiet!")
    expect(console.a.refusal).to_be_visible()
    console.page.get_by_label("Which decisions").select_option("not allowed")
    expect(console.decisions.filter(has_text="allowed")).to_have_count(0)
    row = console.decisions.filter(has_text=MUTE).filter(has_text=console.a.client_id)
    row.get_by_role("button").click()
    expect(row.get_by_role("listitem")).to_contain_text("needs role = moderator or admin")


def test_a_pause_delays_rows_and_loses_none(console: Console) -> None:
    console.page.get_by_role("button", name="Pause").click()
    before = console.decisions.count()
    console.a.sign_in("ann")
    resume = console.page.get_by_role("button", name="Resume (")
    resume.wait_for()
    assert console.decisions.count() == before
    resume.click()
    expect(console.decisions.filter(has_text="connect").first).to_be_visible()


def test_a_connection_that_broke_a_rule_counts_as_refused(console: Console) -> None:
    console.a.sign_in("ann")
    console.a.publish("rooms/+/x")
    console.page.get_by_label("Which decisions").select_option("not allowed")
    row = console.decisions.filter(has_text="disconnected").filter(has_text=console.a.client_id)
    expect(row).to_have_class("presence refused")


def test_earlier_decisions_are_shown_and_belong_to_no_client_of_the_page(open_console: Open) -> None:
    first = open_console()
    first.a.sign_in("ann")
    first.a.publish(MUTE, "quiet!")
    expect(first.a.refusal).to_be_visible()
    second = open_console()
    expect(second.decisions.filter(has_text=MUTE).first).to_be_visible()
    expect(second.a.refusal).to_be_hidden()


def test_a_closed_tab_is_a_lost_connection(open_console: Open) -> None:
    """MQTT.js writes its DISCONNECT one task later, when the page is gone; so it is in any web application."""
    console = open_console()
    console.a.sign_in("ann")
    client_id = console.a.client_id
    console.page.goto("about:blank")
    row = open_console().decisions.filter(has_text="disconnected").filter(has_text=client_id)
    expect(row).to_contain_text("the network connection broke")


def test_actions_over_https_are_named(open_console: Open, ask: Ask) -> None:
    for path, body in (("/topics/wording", b""), ("/retainedMessage/wording", None), ("/retainedMessage", None)):
        ask(path, body=body)
    console = open_console()
    for words in (
        "publish over HTTPS wording",
        "read the retained message over HTTPS wording",
        "list retained messages over HTTPS *",
    ):
        expect(console.decisions.filter(has_text=words).first).to_be_visible()


def test_the_list_keeps_200_rows(open_console: Open, ask: Ask) -> None:
    for number in range(220):
        ask(f"/topics/flood%2F{number}", body=b"")
    console = open_console()
    expect(console.decisions.filter(has_text="flood/219")).to_be_visible()
    expect(console.decisions).to_have_count(200)


def test_the_text_filter_finds_each_word_in_any_case_also_in_new_decisions(console: Console) -> None:
    console.a.sign_in("ann")
    console.b.sign_in("bob, moderator")
    console.page.get_by_label("Text in a decision").fill(f"LOBBY/say {console.a.client_id}")
    console.a.publish("rooms/lobby/say/ann")
    console.b.publish("rooms/lobby/say/bob")
    expect(console.decisions).to_have_count(1)
    expect(console.decisions).to_contain_text("publish rooms/lobby/say/ann")
    console.page.get_by_label("Text in a decision").fill("no such text")
    expect(console.page.get_by_text("No decision matches this filter.")).to_be_visible()
    console.page.get_by_label("Text in a decision").fill("")
    expect(console.decisions.filter(has_text="rooms/lobby/say/bob").first).to_be_visible()


def test_the_text_filter_stays_over_a_reload(console: Console) -> None:
    console.page.get_by_label("Text in a decision").fill("lobby")
    console.page.reload()
    expect(console.page.get_by_label("Text in a decision")).to_have_value("lobby")


def test_a_decision_leads_to_the_line_of_its_entry(console: Console) -> None:
    console.a.sign_in("ann")
    console.a.publish(MUTE, "quiet!")
    row = console.decisions.filter(has_text=MUTE).filter(has_text=console.a.client_id)
    row.get_by_role("button").click()
    row.get_by_role("button", name="line 28").click()
    line = console.page.locator("#template-lines > li").nth(27)
    expect(line).to_have_class("silent lit")
    expect(line).to_be_in_viewport()
    expect(line).to_be_focused()
    console.a.refusal.get_by_role("button", name="line 28").click()
    expect(line).to_have_class("silent lit")


def test_a_decision_whose_entry_is_gone_says_so(console: Console, edit: Edit) -> None:
    console.a.sign_in("ann")
    row = console.decisions.filter(has_text="allowed").filter(has_text=console.a.client_id)
    row.get_by_role("button").click()
    link = row.get_by_role("button", name="line 14")
    expect(link).to_be_visible()
    edit('"{principal}/*"', '"{principal}/+"')
    expect(console.page.locator("#template-lines")).to_contain_text('"{principal}/+"')
    link.click()
    expect(row).to_contain_text("no longer in the template")
