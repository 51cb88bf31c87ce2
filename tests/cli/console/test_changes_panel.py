"""What edits open and close, on the page. The core of this module starts with the chat's template."""

import pytest
from playwright.sync_api import Locator, Route, expect

from tests.cli.console.conftest import Console, Edit, Open

pytestmark = pytest.mark.slow

WIDE = '\n[[grant]]\nname = "wide"\nwiden = true\npublish = ["a/+/b/#"]\n'


def panel(console: Console) -> Locator:
    return console.page.get_by_role("region", name="What your edits open and close")


def changes(console: Console) -> Locator:
    return panel(console).get_by_role("list", name="Changes").get_by_role("listitem")


def test_before_the_first_edit_there_is_no_panel(console: Console) -> None:
    expect(console.page.locator("#proof")).to_contain_text("Proved")
    expect(panel(console)).to_have_count(0)


def test_an_edit_shows_what_it_opens_with_the_principals_and_an_example(console: Console, edit: Edit) -> None:
    edit('"users/{principal}/outbox"', '"users/{principal}/outbox", "all/{principal}"')
    expect(changes(console)).to_have_text(
        [
            'opensnew publish: grant "inbox", publish = "all/{principal}", added'
            "for every principalexample: ann: publish all/ann"
        ]
    )
    expect(panel(console)).to_contain_text("compared with that of")
    expect(panel(console)).to_contain_text("Everything else is the same for every principal.")
    expect(console.page.locator("#announcer")).to_have_text("Your edits: 1 change, 1 new")
    assert console.complaints == []


def test_what_the_save_before_changed_too_is_not_marked_as_new(console: Console, edit: Edit) -> None:
    opened = ('"users/{principal}/outbox"', '"users/{principal}/outbox", "all/{principal}"')
    edit(*opened)
    expect(changes(console)).to_have_count(1)
    edit(*opened, '\n[[grant]]\npublish = ["more"]\n')
    expect(changes(console)).to_have_count(2)
    expect(changes(console).nth(0)).not_to_contain_text("new")
    expect(changes(console).nth(1)).to_contain_text("new")
    expect(panel(console)).to_contain_text("New is what the comparison before did not have.")


def test_an_edit_shows_what_it_closes_and_whom_it_refuses(console: Console, edit: Edit) -> None:
    edit('"rooms/+/mute/+"', '"rooms/{claims.rooms}/mute/+"')
    expect(changes(console)).to_have_count(2)
    expect(changes(console).nth(0)).to_contain_text("if role = moderator or admin")
    for number, effect in enumerate(("closes", "refuses")):
        expect(changes(console).nth(number)).to_have_attribute("data-effect", effect)


def test_an_edit_that_changes_nothing_says_so_for_every_principal(console: Console, edit: Edit) -> None:
    edit(more="# a comment\n")
    expect(panel(console)).to_contain_text("Both allow the same for every principal.")
    expect(changes(console)).to_have_count(0)


def test_what_is_not_covered_is_named_and_nothing_is_said_about_the_rest(console: Console, edit: Edit) -> None:
    edit(more=WIDE)
    expect(changes(console).last).to_contain_text("`widen` allows more than the entry matches")
    expect(panel(console)).not_to_contain_text("for every principal.")


def test_a_save_that_cannot_be_loaded_keeps_the_changes_in_force(console: Console, edit: Edit) -> None:
    opened = ('"users/{principal}/outbox"', '"users/{principal}/outbox", "all/{principal}"')
    edit(*opened)
    expect(changes(console)).to_have_count(1)
    edit(*opened, "[[grant")
    expect(console.page.locator("#problem")).to_be_visible()
    expect(changes(console)).to_have_count(1)


def test_a_page_that_is_opened_later_shows_the_changes_too(open_console: Open, console: Console, edit: Edit) -> None:
    edit(more='\n[[grant]]\npublish = ["more"]\n')
    expect(changes(console)).to_have_count(1)
    expect(changes(open_console())).to_have_count(1)


def test_markup_in_a_template_stays_text(console: Console, edit: Edit) -> None:
    edit(more='\n[[grant]]\npublish = ["<img src=x>"]\n')
    expect(changes(console)).to_contain_text('publish = "<img src=x>", added')
    assert console.page.locator("img").count() == 0


def test_long_entries_do_not_make_the_page_wider(open_console: Open, edit: Edit) -> None:
    console = open_console(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    edit(more=f'\n[[grant]]\npublish = ["{"a-long-topic-without-any-slash" * 7}"]\n')
    expect(changes(console)).to_have_count(1)
    assert not console.is_wider_than_the_screen()


def test_an_older_comparison_that_answers_late_is_not_shown(console: Console, edit: Edit) -> None:
    held: list[Route] = []
    console.page.route("**/console/changes", lambda route: held.append(route), times=1)  # noqa: PLW0108 (Playwright sets attributes)
    with console.page.expect_request("**/console/changes"):
        edit(more='\n[[grant]]\npublish = ["one"]\n')
    edit(more='\n[[grant]]\npublish = ["more"]\n')
    expect(changes(console)).to_contain_text('"more"')
    held[0].fulfill(json={"changes": None})
    expect(changes(console)).to_contain_text('"more"')
