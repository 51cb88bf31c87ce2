"""What axe finds on the page: names, roles, contrast, target sizes. And where the focus is after a refusal."""

from collections.abc import Callable
from typing import TypedDict

import pytest
from playwright.sync_api import Page, expect

from iot_authorizer_cli.console.template_review import Changes, ShownProof
from iot_authorizer_cli.diff_wording import ChangeText
from tests import ROOT
from tests.cli.console.conftest import Console, Open
from tests.clients.needs import needs

pytestmark = pytest.mark.slow

AXE = ROOT / "node_modules/axe-core/axe.min.js"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


class Found(TypedDict):
    """A rule that the page breaks."""

    id: str
    nodes: list[str]


def findings(page: Page) -> list[Found]:
    """The rules that the page breaks as it is now, each with the elements that break it."""
    needs("axe-core")
    page.evaluate(AXE.read_text("utf-8"))
    found: list[Found] = page.evaluate(
        """async (tags) => {
          const { violations } = await axe.run(document, { runOnly: tags });
          const shown = ({ html, failureSummary }) => `${html.slice(0, 160)}: ${failureSummary}`;
          return violations.map(({ id, nodes }) => ({ id, nodes: nodes.map(shown) }));
        }""",
        TAGS,
    )
    return found


def at_first(_: Console) -> None:
    """The page as it opens."""


def connected(console: Console) -> None:
    """A client that subscribed and published."""
    console.a.sign_in("ann")
    console.a.subscribe("rooms/lobby/#")
    console.a.publish("rooms/lobby/say/ann")
    expect(console.a.messages).to_have_count(2)


def refused(console: Console) -> None:
    """A client that was refused, with all that explains it."""
    connected(console)
    console.a.subscribe("rooms/attic/#")
    console.a.publish("rooms/attic/say/ann")
    expect(console.a.refusal).to_be_visible()
    console.page.locator("#endpoints summary").click()
    for row in console.decisions.all()[:4]:
        row.get_by_role("button").first.click()


def policy(console: Console) -> None:
    """The policy, with a question, a line and a resource that are chosen."""
    console.page.get_by_label("Topic, topic filter or client ID").fill("rooms/attic/say/ann")
    console.page.get_by_role("button", name="Explain").click()
    expect(console.page.locator("#ask-answer")).to_contain_text("Denied")
    console.page.locator(".resource:not([disabled])").first.click()
    console.page.locator("#documents summary").click()


def wrong(console: Console) -> None:
    """A form with an error, and the list of reason codes."""
    console.a.fill("Claims (JSON object)", "{")
    console.a.press("Connect")
    expect(console.a.root.get_by_role("alert").filter(has_text="not valid JSON")).to_be_visible()


def reasons(console: Console) -> None:
    """The list of reason codes."""
    console.a.root.get_by_label("Token expires after").select_option("already expired")
    console.a.press("Connect")
    console.a.refusal.get_by_role("link", name="expired").click()
    expect(console.page.get_by_role("dialog")).to_be_visible()


def stored(console: Console) -> None:
    """The dialog with a retained message and a session that waits."""
    message = {"topic": "a/b", "payload": "21", "size": 2, "qos": 1, "published": 0}
    session = {"client_id": "pump", "disconnected": 0, "disconnect_reason": "CONNECTION_LOST", "ends": 1}
    session |= {"topic_filters": ["a/#"], "queued_total": 1, "queued": [message]}
    found = {"retained_total": 1, "retained": [message], "sessions_total": 1, "sessions": [session]}
    console.page.route("**/console/stored", lambda route: route.fulfill(json=found))
    console.page.get_by_role("button", name="Stored messages").click()
    expect(console.page.get_by_role("dialog").get_by_role("listitem")).to_have_count(3)


EFFECTS = ("opens", "closes", "refuses", "no longer refuses", "changes", "not covered")


def edited(console: Console) -> None:
    """Edits with each effect, some of them new, and a proof that found a difference."""
    texts = tuple(ChangeText(each, f"text of {each}", "if role = admin", "ann: publish a") for each in EFFECTS)
    found = Changes(since=0, changes=texts, known=frozenset({texts[0].without_example}), rest="and the rest")
    proof = ShownProof(verdict="different", text="A policy differs. An example:", lines=["publish a: allowed"])
    console.page.route("**/console/changes", lambda route: route.fulfill(json=found.shown()))
    console.page.route("**/console/proof", lambda route: route.fulfill(json=proof))
    console.page.reload()
    expect(console.page.get_by_role("list", name="Changes").get_by_role("listitem")).to_have_count(len(EFFECTS))
    expect(console.page.locator("#proof")).to_contain_text("A policy differs")


def proving(console: Console) -> None:
    """A proof that is not finished."""
    console.page.route("**/console/proof", lambda _: None)
    console.page.reload()
    expect(console.page.locator("#proof")).to_have_text("Proving the template in force…")


def editing(console: Console) -> None:
    """An edit on the page with changes, and a question that led to its line."""
    console.page.get_by_role("button", name="Try an edit").click()
    text = console.page.get_by_label("Edited template")
    text.fill(text.input_value().replace('"rooms/+/mute/+"', '"rooms/{claims.rooms}/mute/+"'))
    expect(console.page.get_by_role("list", name="Changes by your edit").get_by_role("listitem")).to_have_count(2)
    policy(console)
    console.page.locator("#ask-answer").get_by_role("button", name="line 21").click()


def mistaken(console: Console) -> None:
    """An edit that cannot be loaded, and texts to copy without a clipboard."""
    console.page.evaluate("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    policy(console)
    console.page.get_by_role("button", name="Copy as a command").click()
    console.page.get_by_role("button", name="Try an edit").click()
    console.page.get_by_label("Edited template").fill("[[grant")
    expect(console.page.locator("#edit-error")).to_be_visible()
    console.page.get_by_role("button", name="Copy", exact=True).click()


STATES = [at_first, refused, policy, wrong, reasons, stored, edited, proving, editing, mistaken]


@pytest.mark.parametrize("state", STATES, ids=lambda state: str(state.__name__))
def test_axe_finds_nothing_in_either_color_scheme(open_console: Open, state: Callable[[Console], None]) -> None:
    console = open_console(viewport={"width": 1280, "height": 800}, color_scheme="light", reduced_motion="reduce")
    state(console)
    of_light = findings(console.page)
    console.page.emulate_media(color_scheme="dark")
    assert (of_light, findings(console.page)) == ([], [])


@pytest.mark.parametrize(
    "state", [refused, policy, stored, edited, editing, mistaken], ids=lambda state: str(state.__name__)
)
def test_axe_finds_nothing_on_a_phone(open_console: Open, state: Callable[[Console], None]) -> None:
    console = open_console(
        viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True, reduced_motion="reduce"
    )
    state(console)
    assert findings(console.page) == []


def test_the_focus_is_on_connect_after_a_refused_connection(console: Console) -> None:
    console.a.root.get_by_label("Token expires after").select_option("already expired")
    console.a.root.get_by_role("button", name="Connect", exact=True).focus()
    console.page.keyboard.press("Enter")
    expect(console.a.refusal).to_be_visible()
    expect(console.a.root.get_by_role("button", name="Connect", exact=True)).to_be_focused()


def test_the_focus_is_on_connect_after_a_publish_that_ended_the_connection(console: Console) -> None:
    console.a.sign_in("ann")
    console.a.publish("rooms/attic/say/ann")
    expect(console.a.refusal).to_be_visible()
    connect = console.a.root.get_by_role("button", name="Connect", exact=True)
    expect(connect).to_be_focused()
    console.a.press("Dismiss")
    expect(connect).to_be_focused()


def test_the_focus_is_on_the_field_that_is_wrong(console: Console) -> None:
    wrong(console)
    expect(console.a.root.get_by_label("Claims (JSON object)")).to_be_focused()


def test_the_focus_is_on_the_filter_after_a_subscription_is_removed(console: Console) -> None:
    connected(console)
    console.a.press("Unsubscribe from rooms/lobby/#")
    expect(console.a.root.get_by_label("Subscribe to", exact=True)).to_be_focused()


def test_nothing_on_the_page_moves_by_itself(console: Console) -> None:
    editing(console)
    moving = """[...document.querySelectorAll("*")].filter((each) => {
      const { animationName, transitionDuration, scrollBehavior } = getComputedStyle(each);
      return animationName !== "none" || transitionDuration !== "0s" || scrollBehavior !== "auto";
    }).length"""
    assert console.page.evaluate(moving) == 0


def test_an_edit_needs_no_mouse(console: Console) -> None:
    page = console.page
    page.get_by_role("button", name="Try an edit").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_label("Edited template")).to_be_focused()
    page.keyboard.press("Shift+Tab")
    expect(page.get_by_role("button", name="Discard")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Try an edit")).to_be_focused()


@pytest.mark.parametrize(("width", "names"), [(390, ["Decisions", "Clients"]), (1280, ["Clients", "Decisions"])])
def test_the_order_is_the_same_for_the_eye_the_keyboard_and_a_screen_reader(
    open_console: Open, width: int, names: list[str]
) -> None:
    page = open_console(viewport={"width": width, "height": 844}).page
    assert page.locator("main > section").evaluate_all("all => all.map((each) => each.id)") == [
        *(name.lower() for name in names),
        "policy",
    ]
    if width == 390:
        decisions, clients = page.locator("#decisions").bounding_box(), page.locator("#clients").bounding_box()
        assert decisions is not None
        assert clients is not None
        assert decisions["y"] < clients["y"]
        assert page.get_by_role("navigation").get_by_role("link").first.inner_text() == "Decisions"
