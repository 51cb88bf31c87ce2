"""Edits of the template on the page: tried over HTTP, and never in force. In a browser: `test_playground.py`."""

import asyncio
import contextlib
import http.client
import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from starlette.requests import ClientDisconnect, Request
from starlette.types import Message

from iot_authorizer_cli.console import edits
from iot_authorizer_cli.console.edits import MOST_CHARACTERS, MOST_DOTS, MOST_STRINGS, MOST_WAITING, EditDesk
from iot_authorizer_cli.console.template_text import TemplateText
from iot_authorizer_cli.local_iot_core import LocalIotCore
from tests.cli.console.conftest import Ask

ANN = {"principal": "ann", "claims": {"rooms": ["lobby"]}, "client_id": "ann/a"}
BOB = {"principal": "bob", "claims": {"rooms": ["lobby"], "role": "moderator"}}
OUTBOX = '"users/{principal}/outbox"'
ALL = f'{OUTBOX}, "all/{{principal}}"'
"""Opens publish all/ann for ann."""


@pytest.fixture
def saved(folder: Path) -> str:
    return (folder / "policies/chat.toml").read_text()


def test_the_policy_of_an_edit_has_its_lines_and_what_it_changes_for_the_client(ask: Ask, saved: str) -> None:
    found = ask("/console/policy", {**ANN, "template": saved.replace(OUTBOX, ALL)}).json
    assert (found["is_source"], found["problem"], found["effect"]) == (True, None, "opens publish all/ann")
    assert "topic/all/ann" in str(found["statements"])


@pytest.mark.parametrize(
    ("new", "effect"),
    [
        (OUTBOX, ""),
        ('"users/{principal}/letters"', "opens publish users/ann/letters; closes publish users/ann/outbox"),
        ('"{claims.rooms}/{claims.gone}"', "closes publish users/ann/outbox"),
    ],
)
def test_an_edit_says_what_it_opens_and_closes_for_a_client(ask: Ask, saved: str, new: str, effect: str) -> None:
    assert ask("/console/policy", {**ANN, "template": saved.replace(OUTBOX, new)}).json["effect"] == effect


def test_an_edit_says_that_it_refuses_a_connected_client(ask: Ask, saved: str) -> None:
    edited = saved.replace('connect   = ["{principal}", "{principal}/*"]', 'connect   = ["{principal}"]')
    found = ask("/console/policy", {**ANN, "template": edited}).json
    assert str(found["effect"]).startswith("now refused (client_id_not_granted)")


def test_a_question_is_answered_by_the_edit_and_has_no_command(ask: Ask, saved: str) -> None:
    question = {**ANN, "action": "publish", "resource": "all/ann"}
    assert ask("/console/explain", question).json["allowed"] is False
    found = ask("/console/explain", {**question, "template": saved.replace(OUTBOX, ALL)}).json
    assert found == {"allowed": True, "reasons": ['by grant "inbox", publish = "all/{principal}"'], "command": None}


def test_an_edit_is_compared_with_the_template_in_force_for_every_principal(ask: Ask, saved: str) -> None:
    found = ask("/console/changes", {"template": saved.replace(OUTBOX, ALL)}).json
    assert found["rest"] == "everything else is the same for every principal"
    assert str(found["changes"]).count("'effect'") == 1
    assert 'grant "inbox", publish = "all/{principal}", added' in str(found["changes"])


def test_an_edit_changes_neither_the_file_nor_what_is_enforced(
    ask: Ask, core: LocalIotCore, folder: Path, saved: str
) -> None:
    before = core.configuration.template
    for path in ("/console/policy", "/console/explain", "/console/changes"):
        question = {"action": "publish", "resource": "all/ann"} if path == "/console/explain" else {}
        who = {} if path == "/console/changes" else ANN
        assert ask(path, {**who, **question, "template": saved.replace(OUTBOX, ALL)}).status == 200
    assert core.configuration.template is before
    assert (folder / "policies/chat.toml").read_text() == saved
    assert ask("/console/changes").json == {"changes": None}
    assert "all/ann" not in str(ask("/console/policy", ANN).json["documents"])


@pytest.mark.parametrize(
    ("old", "new", "line", "problem"),
    [
        ("rooms/+/mute/+", "rooms/+/mute/#/x", 28, 'grant[2].publish[0]: "rooms/+/mute/#/x": # must be the last level'),
        ("publish   = [", "publish   = {", 15, "not valid TOML: "),
        ("publish   = [", "pubish    = [", 15, "grant[0].pubish: is not a key of this table: did you mean publish?"),
        (OUTBOX, f'{OUTBOX}, "</script>"', None, None),
    ],
)
def test_an_invalid_edit_has_its_problem_and_its_line(
    ask: Ask, saved: str, old: str, new: str, line: int | None, problem: str | None
) -> None:
    edited = saved.replace(old, new)
    found = ask("/console/policy", {**ANN, "template": edited}).json
    assert (found["template"], found["problem_line"]) == (edited, line)
    assert str(found["problem"]).startswith(str(problem))
    if problem is None:
        return
    assert (found["is_source"], found["entries"], found["documents"], found["effect"]) == (False, [], [], None)
    answer = ask("/console/changes", {"template": edited})
    assert (answer.status, answer.json["field"]) == (409, "template")
    assert str(answer.json["message"]).startswith(f"the edit cannot be loaded: line {line}: {problem}")


def entries(number: int) -> str:
    listed = ", ".join(f'"{{claims.a{n}}}/{{claims.b{n}}}/{{claims.c{n}}}/+/+/+/#"' for n in range(number))
    return f'[[grant]]\nconnect = ["{{principal}}"]\npublish = [{listed}]\n'


HOSTILE = {
    "as large as allowed": "#" * MOST_CHARACTERS,
    "too large": "#" * (MOST_CHARACTERS + 1),
    "as many entries as allowed": entries(MOST_STRINGS - 1),
    "too many entries": entries(MOST_STRINGS),
    "deep lists": f"a = {'[' * 30_000}",
    "deep lists that end": f"grant = {'[' * 30_000}{']' * 30_000}",
    "lists in lists": f"[[grant]]\npublish = {'[' * 300}{']' * 300}",
    "a deep table": f"[{'a.' * MOST_DOTS}a]\n",
    "too deep a table": f"[{'a.' * 30_000}a]\n",
    "many grants": "[[grant]]\n" * 6500,
    "many unknown keys": "".join(f"k{n} = 1\n" for n in range(6000)),
    "a long key": f"{'a' * 60_000} = 1",
    "plusses": f'[[grant]]\npublish = ["{"/".join("+" * 8)}", "{"+/" * 7}#"]\n',
    "a text that looks like a regular expression": '[[grant]]\nname = "(a+)+$"\npublish = ["(a+)+$/{principal}"]\n',
    "quotes": '[[grant]]\npublish = ["' + '\\"' * 30_000 + '"]\n',
    "not text": "\x00\x1b\x7f",
    "bidirectional": '[[grant]]\npublish = ["a/\u202e\u2066b/{principal}"]\n',
    "empty": "",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
@pytest.mark.parametrize("path", ["/console/policy", "/console/explain"])
def test_a_hostile_edit_is_answered_in_time(ask: Ask, path: str, text: str) -> None:
    question = {"action": "publish", "resource": f"{'a' * 200}/!"} if path == "/console/explain" else {}
    started = time.process_time()  # Of the endpoint too, which runs in a thread. Other processes do not count.
    answer = ask(path, {**ANN, **question, "template": text})
    assert answer.status in (200, 409), answer.text
    assert time.process_time() - started < 10


@pytest.mark.slow
def test_the_comparison_with_a_hostile_edit_is_bounded(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("iot_authorizer_cli.console.template_review.LONGEST_COMPARISON", 0.1)
    found = ask("/console/changes", {"template": HOSTILE["as many entries as allowed"]})
    assert (found.status, "took longer than 0.1 seconds" in found.text) == (200, True)


@pytest.mark.parametrize("name", ["too large", "too many entries", "too deep a table"])
def test_an_edit_beyond_the_limits_is_not_read(ask: Ask, name: str) -> None:
    problem = str(ask("/console/policy", {**ANN, "template": HOSTILE[name]}).json["problem"])
    limits = "at most 65,536 characters, 200 strings and 2,000 dots"
    assert problem.endswith(f": the page tries templates with {limits}. A template in a file can be larger.")


def test_an_edit_of_a_megabyte_is_refused_before_it_is_read(ask: Ask) -> None:
    answer = ask("/console/changes", {"template": "#" * 1_000_000})
    assert (answer.status, answer.json["message"]) == (413, "expected at most 262,144 bytes")


def test_an_edit_needs_the_secret_and_json_of_this_origin(ask: Ask, core_url: str) -> None:
    where = urlsplit(core_url)
    body = json.dumps({"template": ""})
    secret = {"Authorization": f"Bearer {where.query.removeprefix('secret=')}", "Content-Type": "application/json"}
    connection = http.client.HTTPConnection(where.netloc)
    for change, status in (
        ({"Authorization": "Bearer x"}, 403),
        ({"Content-Type": "text/plain"}, 415),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": f"http://localhost:{(where.port or 0) + 1}"}, 403),
        ({"Host": "evil.example"}, 421),
    ):
        connection.request("POST", "/console/changes", body, {**secret, **change})
        answer = connection.getresponse()
        answer.read()
        assert answer.status == status, change
    connection.close()


class Slow:
    """Reads edits slowly: it waits until it may go on, and counts what was read."""

    def __init__(self) -> None:
        self.started, self.may_go_on = threading.Event(), threading.Event()
        self.read: list[str] = []

    def __call__(self, text: str, path: Path, topic_prefix: str) -> object:
        self.read.append(text)
        self.started.set()
        assert self.may_go_on.wait(30)
        return TemplateText(text, None, is_source=False, problem="slow")


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Iterator[Slow]:
    reader = Slow()
    monkeypatch.setattr(edits, "read_edit", reader)
    yield reader
    reader.may_go_on.set()


Post = Callable[[str], http.client.HTTPConnection]


@pytest.fixture
def post(core_url: str) -> Iterator[Post]:
    """Sends an edit to compare, and does not wait for the answer."""
    where = urlsplit(core_url)
    secret = {"Authorization": f"Bearer {where.query.removeprefix('secret=')}", "Content-Type": "application/json"}
    with contextlib.ExitStack() as stack:

        def post(text: str) -> http.client.HTTPConnection:
            connection = stack.enter_context(contextlib.closing(http.client.HTTPConnection(where.netloc, timeout=30)))
            connection.request("POST", "/console/changes", json.dumps({"template": text}), secret)
            return connection

        yield post


def answer(connection: http.client.HTTPConnection) -> tuple[int, object]:
    with connection.getresponse() as found:
        return found.status, json.loads(found.read())["message"]


SLOW = (409, "the edit cannot be loaded: slow")


def test_the_edits_of_two_tabs_are_read_one_after_the_other_and_both_are_answered(post: Post, slow: Slow) -> None:
    first = post("first")
    assert slow.started.wait(30)
    second = post("second")
    assert slow.read == ["first"]
    slow.may_go_on.set()
    assert [answer(each) for each in (first, second)] == [SLOW, SLOW]
    assert slow.read == ["first", "second"]


async def stays() -> Message:
    """The browser waits for its answer."""
    await asyncio.Event().wait()
    return {}


async def leaves() -> Message:
    """The browser closes the connection."""
    return {"type": "http.disconnect"}


def test_an_edit_that_the_browser_gave_up_is_not_read() -> None:
    done: list[str] = []
    started, may_go_on = threading.Event(), threading.Event()

    def slow() -> str:
        started.set()
        assert may_go_on.wait(30)
        return "slow"

    async def three() -> Sequence[object]:
        desk = EditDesk()
        first = asyncio.ensure_future(desk.do(Request({"type": "http"}, stays), slow))
        assert await asyncio.to_thread(started.wait, 30)
        given_up = asyncio.ensure_future(desk.do(Request({"type": "http"}, leaves), lambda: done.append("given up")))
        await asyncio.wait([given_up])
        last = asyncio.ensure_future(desk.do(Request({"type": "http"}, stays), lambda: done.append("last")))
        may_go_on.set()
        found = await asyncio.gather(first, given_up, last, return_exceptions=True)
        desk.close()
        return found

    first, given_up, last = asyncio.run(three())
    assert (first, type(given_up), last, done) == ("slow", ClientDisconnect, None, ["last"])


def test_of_too_many_edits_the_last_is_refused_at_once(post: Post, slow: Slow) -> None:
    waiting = [post("waits")]
    assert slow.started.wait(30)
    waiting += [post("waits") for _ in range(MOST_WAITING - 1)]
    assert answer(post("one more")) == (429, "too many edits are tried at once: try this one again in a few seconds")
    slow.may_go_on.set()
    assert {answer(each) for each in waiting} == {SLOW}
