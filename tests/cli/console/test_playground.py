"""The page as a playground: an edit of the template that is only on the page. Over HTTP: `test_edits.py`."""

from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from iot_authorizer_cli.local_iot_core import LocalIotCore
from iot_core.broker.limits import IOT_CORE
from tests.cli.console.conftest import Console, Edit, Open

pytestmark = pytest.mark.slow

OUTBOX = '"users/{principal}/outbox"'
ALL = f'{OUTBOX}, "all/{{principal}}"'
"""Opens publish all/ann for ann, and the like for bob."""
CLIPBOARD = ["clipboard-read", "clipboard-write"]


class Editor:
    """The edit on the page."""

    def __init__(self, console: Console) -> None:
        self.page = console.page
        self.text = self.page.get_by_label("Edited template")
        self.error = self.page.locator("#edit-error")
        self.lines = self.page.locator("#edit-lines > li")
        self.effects = self.page.locator("#edit-effects")
        self.note = self.page.locator("#edit-note")
        self.changes = self.page.get_by_role("list", name="Changes by your edit").get_by_role("listitem")

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()

    def replace(self, old: str, new: str) -> None:
        before = self.text.input_value()
        assert old in before
        self.text.fill(before.replace(old, new))


@pytest.fixture
def editor(console: Console) -> Editor:
    """An edit that has just begun."""
    return begin(console)


def begin(console: Console) -> Editor:
    editor = Editor(console)
    editor.press("Try an edit")
    return editor


def saved(folder: Path) -> str:
    return (folder / "policies/chat.toml").read_text()


def ask(editor: Editor, resource: str) -> Locator:
    editor.page.get_by_label("Topic, topic filter or client ID").fill(resource)
    editor.press("Explain")
    return editor.page.locator("#ask-answer")


def test_an_edit_shows_what_it_opens_and_closes_for_both_clients_and_for_all(console: Console, editor: Editor) -> None:
    expect(editor.effects).to_have_text("annnothing changesbobnothing changes")
    editor.replace(OUTBOX, ALL)
    expect(editor.effects).to_have_text("annopens publish all/annbobopens publish all/bob")
    expect(editor.changes).to_contain_text(['grant "inbox", publish = "all/{principal}", added'])
    editor.replace('"rooms/+/mute/+"', '"rooms/+/mute/x"')
    expect(editor.effects).to_contain_text("bobopens publish all/bob; closes publish rooms/any/mute/any")
    expect(editor.changes).to_have_count(2)
    assert console.complaints == []


def test_an_edit_shows_which_lines_apply_and_the_policy_that_they_make(editor: Editor) -> None:
    editor.replace(OUTBOX, ALL)
    expect(editor.page.locator("#statements")).to_contain_text("topic/all/ann")
    expect(editor.page.get_by_role("heading", name="What IoT Core would enforce")).to_be_visible()
    expect(editor.lines.nth(14)).to_have_class("applies")
    expect(editor.lines.nth(27)).to_have_class("silent")
    expect(editor.lines.nth(27)).to_contain_text("needs role = moderator or admin, but role is missing")
    editor.page.get_by_role("button", name="topic/all/ann").click()
    expect(editor.lines.nth(14)).to_have_class("applies lit")


def test_the_page_says_that_an_edit_is_not_enforced_and_it_is_not(console: Console, folder: Path) -> None:
    before = saved(folder)
    editor = begin(console)
    expect(editor.note).to_contain_text("only on this page. IoT Core enforces the template in force")
    editor.replace(OUTBOX, ALL)
    expect(editor.effects).to_contain_text("opens publish all/ann")
    console.a.sign_in("ann")
    console.a.publish("all/ann")
    expect(console.a.refusal).to_contain_text("no entry covers it")
    assert saved(folder) == before


def test_an_error_is_beside_its_line_and_the_line_is_marked(editor: Editor) -> None:
    editor.replace('"rooms/+/mute/+"', '"rooms/+/mute/#/x"')
    expect(editor.error).to_have_text('grant[2].publish[0]: "rooms/+/mute/#/x": # must be the last level')
    expect(editor.lines.nth(27)).to_have_class("problem")
    expect(editor.text).to_have_attribute("aria-invalid", "")
    expect(editor.page.locator("#announcer")).to_contain_text("line 28: grant[2].publish[0]")
    expect(editor.page.locator("#policy-size")).to_have_text("The edit cannot be loaded.")
    assert gap(editor) < 6
    editor.text.press("Control+Home")
    expect(editor.error).not_to_have_class("edit-error above")
    assert gap(editor) < 6
    editor.replace("rooms/+/mute/#/x", "rooms/+/mute/+")
    expect(editor.error).to_be_hidden()
    expect(editor.page.locator("#statements")).to_contain_text("topic/users/ann/outbox")


def gap(editor: Editor) -> float:
    """The pixels between the error and its line."""
    line, error = editor.lines.nth(27).bounding_box(), editor.error.bounding_box()
    assert line is not None
    assert error is not None
    return min(abs(error["y"] - line["y"] - line["height"]), abs(line["y"] - error["y"] - error["height"]))


def test_an_error_of_the_whole_template_is_shown_below_it(editor: Editor) -> None:
    listed = ", ".join(f'"{each}"' for each in range(201))
    editor.text.fill(f"[[grant]]\npublish = [{listed}]\n")
    expect(editor.error).to_contain_text("found 201 strings: the page tries templates with at most")


def test_the_line_of_the_caret_is_described(editor: Editor) -> None:
    editor.replace(OUTBOX, ALL)
    expect(editor.effects).to_contain_text("opens")
    editor.text.press("Control+End")
    for number, text in ((33, "Line 33: needs suspended = true, but suspended is missing."), (32, "")):
        editor.text.press("ArrowUp")
        expect(editor.page.locator("#edit-line"), f"line {number}").to_have_text(text)
    editor.text.press("Control+Home")
    for _ in range(13):
        editor.text.press("ArrowDown")
    expect(editor.page.locator("#edit-line")).to_have_text("Line 14 applies to ann.")


def test_a_question_is_answered_by_the_edit_and_leads_to_its_line(editor: Editor) -> None:
    editor.replace("connect   =", "# a line more\nconnect   =")
    editor.replace(OUTBOX, ALL)
    expect(editor.effects).to_contain_text("opens")
    answer = ask(editor, "all/ann")
    expect(answer).to_contain_text("Allowed publish all/ann by your edit")
    expect(answer.get_by_role("button", name="Copy as a command")).to_have_count(0)
    answer.get_by_role("button", name="line 16").click()
    expect(editor.lines.nth(15)).to_have_class("applies lit")
    expect(editor.text).to_be_focused()
    expect(editor.page.locator("#edit-line")).to_have_text("Line 16 applies to ann.")
    editor.replace("[[deny]]", "[[deny")
    ask(editor, "all/ann")
    expect(editor.page.locator("#ask-error")).to_contain_text("the edit cannot be loaded: line 31: not valid TOML")


def test_an_edit_can_be_copied_discarded_and_restored(open_console: Open, folder: Path) -> None:
    console = open_console(permissions=CLIPBOARD)
    editor = begin(console)
    editor.replace(OUTBOX, ALL)
    editor.press("Copy")
    expect(editor.page.get_by_role("button", name="Copied")).to_be_visible()
    assert editor.page.evaluate("navigator.clipboard.readText()") == saved(folder).replace(OUTBOX, ALL)
    editor.press("Discard")
    expect(editor.text).to_be_hidden()
    expect(editor.page.get_by_role("button", name="Try an edit")).to_be_focused()
    expect(editor.page.locator("#statements")).not_to_contain_text("all/ann")
    expect(editor.page.locator("#proof")).to_contain_text("Proved")
    editor.press("Restore the edit")
    expect(editor.effects).to_contain_text("opens publish all/ann")
    expect(editor.text).to_be_focused()


def test_without_a_clipboard_the_text_is_shown_to_be_copied(open_console: Open, folder: Path) -> None:
    console = open_console()
    console.page.evaluate("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    editor = begin(console)
    editor.press("Copy")
    shown = editor.page.get_by_label("Copy this text")
    expect(shown).to_be_focused()
    expect(shown).to_have_value(saved(folder))
    assert editor.page.evaluate("getSelection().toString()") == saved(folder)


def test_an_edit_outlives_a_reload_of_its_tab_and_is_not_in_another_tab(console: Console, editor: Editor) -> None:
    editor.replace(OUTBOX, ALL)
    console.page.reload()
    expect(editor.effects).to_contain_text("opens publish all/ann")
    other = console.page.context.new_page()
    other.goto(console.page.url)
    expect(other.get_by_role("button", name="Try an edit")).to_be_visible()


def test_an_edit_of_another_projects_template_is_not_opened(
    console: Console, core: LocalIotCore, editor: Editor
) -> None:
    editor.replace(OUTBOX, ALL)
    state = console.page.request.get(f"{core.url}/console/state").json()
    other = {**state, "template_path": "/another/project.toml"}
    console.page.route("**/console/state", lambda route: route.fulfill(json=other))
    console.page.reload()
    expect(console.page.get_by_role("button", name="Try an edit")).to_be_visible()
    expect(editor.text).to_be_hidden()


def test_two_tabs_with_different_edits_get_their_own_answers(open_console: Open) -> None:
    editors = [begin(open_console()) for _ in range(2)]
    for number, editor in enumerate(editors):
        editor.replace(OUTBOX, f'{OUTBOX}, "all/{number}"')
    for number, editor in enumerate(editors):
        expect(editor.effects).to_have_text(f"annopens publish all/{number}bobopens publish all/{number}")
        expect(editor.changes).to_contain_text([f'"all/{number}", added'])


def test_a_file_that_is_saved_from_outside_keeps_the_edit_and_says_so(editor: Editor, edit: Edit) -> None:
    editor.replace(OUTBOX, ALL)
    expect(editor.effects).to_contain_text("annopens publish all/ann")
    edit(OUTBOX, f'{OUTBOX}, "more"')
    expect(editor.note).to_contain_text("The file was saved since you began this edit")
    expect(editor.effects).to_contain_text("annopens publish all/ann; closes publish more")
    edit(OUTBOX, ALL)
    expect(editor.note).to_contain_text("This edit is the same as the file.")
    expect(editor.effects).to_have_text("annnothing changesbobnothing changes")
    expect(editor.changes).to_have_count(0)


def test_a_broken_file_can_be_repaired_in_an_edit(console: Console, edit: Edit) -> None:
    edit('"rooms/+/mute/+"', '"rooms/+/mute/#/x"')
    expect(console.page.locator("#template-lines .problem")).to_contain_text("# must be the last level")
    editor = begin(console)
    expect(editor.error).to_contain_text("# must be the last level")
    editor.replace("/#/x", "/+")
    expect(editor.effects).to_have_text("annnothing changesbobnothing changes")
    expect(editor.page.locator("#edit-rest")).to_have_text("Both allow the same for every principal.")


def test_an_edit_outlives_a_restart_of_dev(folder: Path, open_console: Open) -> None:
    config, limits, data = folder / "authorizer.toml", IOT_CORE.without_throttling(), folder / "restarted"
    with LocalIotCore(config, limits=limits, folder=data) as core:
        console = open_console(core.console_url)
        editor = begin(console)
        editor.replace(OUTBOX, ALL)
        expect(editor.changes).to_have_count(1)
        port = core.port
    editor.replace("all/{principal}", "every/{principal}")
    expect(editor.effects).to_contain_text("does not answer")
    with LocalIotCore(config, limits=limits, folder=data, port=port):
        expect(editor.effects).to_contain_text("opens publish every/ann")
        expect(editor.changes).to_contain_text(['"every/{principal}", added'])


def test_a_hostile_edit_stays_text_and_shows_what_it_hides(console: Console, editor: Editor) -> None:
    console.page.on("dialog", lambda dialog: pytest.fail("a script ran"))
    text = '[[grant]]\npublish = ["<img src=x onerror=alert(1)>", "</script><script>alert(1)</script>", "a/\u202eb"]\n'
    editor.text.fill(text)
    expect(editor.page.locator("#statements")).to_contain_text("topic/<img src=x onerror=alert(1)>")
    expect(editor.lines.nth(1)).to_contain_text("has characters that are not visible: U+202E")
    assert editor.page.locator("img, main script").count() == 0
    assert console.complaints == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (
            "\n" * 1_000_000,
            "Too long to edit on this page: 1,000,823 characters, and it takes at most 65,536 characters.",
        ),
        ("#" * 1_000_000, "1,000,823 characters"),
        ("\n" * 10_000, "Too long to edit on this page: 10,034 lines, and it takes at most 5,000 lines."),
    ],
    ids=["lines", "a line", "too many lines"],
)
def test_what_is_too_long_is_not_pasted(open_console: Open, folder: Path, text: str, found: str) -> None:
    console = open_console(permissions=CLIPBOARD)
    editor = begin(console)
    editor.page.evaluate("(text) => navigator.clipboard.writeText(text)", text)
    editor.text.press("Control+End")
    editor.text.press("Control+v")
    expect(editor.note).to_contain_text(found)
    assert editor.text.input_value() == saved(folder)


def test_a_file_that_is_too_long_is_not_edited_here(console: Console, edit: Edit) -> None:
    edit(more="#" * 70_000)
    expect(console.page.locator("#template-lines > li").last).to_contain_text("#####")
    begin(console)
    expect(console.page.locator("#edit-too-long")).to_contain_text("and it takes at most 65,536 characters.")
    expect(console.page.get_by_label("Edited template")).to_be_hidden()


@pytest.mark.parametrize(
    "text",
    ["\n" * 4000, "#" * 60_000, '"\\"' * 20_000, "[" * 60_000, "[" + "a." * 30_000 + "a]"],
    ids=["lines", "a line", "quotes", "deep lists", "a deep table"],
)
def test_the_longest_texts_are_answered(editor: Editor, text: str) -> None:
    # Chromium itself takes a minute to type thousands of lines into any text field.
    editor.text.evaluate("(field, text) => { field.value = text; field.dispatchEvent(new Event('input')) }", text)
    expect(editor.page.locator("#edit-changes, #edit-error").locator("visible=true").first).not_to_be_empty()
    editor.press("Discard")
    expect(editor.page.locator("#statements")).to_contain_text("topic/users/ann/outbox")


def test_a_client_whose_claims_are_invalid_is_named_and_the_other_is_compared(console: Console, editor: Editor) -> None:
    console.a.fill("Claims (JSON object)", "{")
    editor.replace(OUTBOX, ALL)
    expect(editor.effects).to_contain_text("annnot valid JSON")
    expect(editor.effects).to_contain_text("bobopens publish all/bob")
    expect(editor.lines.nth(14)).to_have_class("")
    editor.replace("[[deny]]", "[[deny")
    expect(editor.error).to_contain_text("not valid TOML")
    editor.replace("[[deny", "[[deny]]")
    console.a.root.get_by_label("Claims (JSON object)").fill("{}")
    expect(editor.effects).to_contain_text("annopens publish all/ann")


def test_without_a_template_there_is_nothing_to_edit(console: Console) -> None:
    console.page.route("**/console/policy", lambda route: route.fulfill(status=409, json={"message": "no template"}))
    console.page.reload()
    expect(console.page.locator("#policy-size")).to_have_text("no template")
    expect(console.page.get_by_role("button", name="Try an edit")).to_be_hidden()
