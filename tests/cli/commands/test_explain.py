"""`iot-authorizer explain`: which entry allows or denies, for one question or for a file of them."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run, refused

CHAT = "policies/chat.toml"


@pytest.mark.parametrize(
    ("action", "resource", "code"),
    [
        ("connect", "ann", 0),
        ("connect", "ann/phone", 0),
        ("connect", "ann-marie", 1),
        ("publish", "rooms/lobby/say/ann", 0),
        ("publish", "rooms/lobby/say/bob", 1),
        ("retain", "rooms/lobby/topic", 0),
        ("retain", "rooms/lobby/say/ann", 1),
        ("subscribe", "rooms/lobby/#", 0),
        ("subscribe", "rooms/#", 1),
        ("receive", "rooms/lobby/say/bob", 0),
        ("receive", "rooms/attic/say/bob", 1),
    ],
)
def test_explain_exits_with_0_for_allowed_and_1_for_denied(run: Run, action: str, resource: str, code: int) -> None:
    done = run("explain", CHAT, "--principal", "ann", "--claims", '{"rooms": ["lobby"]}', action, resource)
    assert done.returncode == code, done.stdout
    assert done.stdout.startswith("denied" if code else "allowed")


@pytest.mark.parametrize(
    ("action", "resource", "problem"),
    [
        ("connect", f"ann/{'x' * 200}", "a client ID has at most 128 bytes of UTF-8"),
        ("publish", "$aws/events/presence/connected/ann", "only IoT Core publishes events"),
        ("retain", "$aws/rules/r/x", "IoT Core does not retain messages to reserved topics"),
        ("subscribe", "rooms/lobby/1/2/3/4/5/6/7/8", "a topic has at most 7 slashes"),
    ],
)
def test_what_iot_core_refuses_whatever_the_policy_allows_is_an_error(
    run: Run, action: str, resource: str, problem: str
) -> None:
    done = run("explain", CHAT, "--principal", "ann", action, resource)
    assert (done.returncode, done.stdout, problem in done.stderr) == (2, "", True)


def test_a_client_id_that_is_too_long_is_an_error_of_its_option(run: Run) -> None:
    for command in (("explain", "publish", "users/ann/outbox"), ("render",)):
        name, *arguments = command
        done = run(name, CHAT, *arguments, "--principal", "ann", "--client-id", "x" * 129)
        assert done.returncode == 2
        assert "--client-id: a client ID has at most 128 bytes of UTF-8" in " ".join(done.stderr.split())


@pytest.mark.parametrize(("client_id", "told"), [("ann", ""), ("bob", 'bob: granted client IDs: "ann" or "ann/*"\n')])
def test_explain_says_that_a_client_id_is_refused(run: Run, client_id: str, told: str) -> None:
    done = run("explain", CHAT, "--principal", "ann", "--client-id", client_id, "publish", "users/ann/outbox")
    expected = told and f"iot-authorizer: the authorizer refuses the client ID {told}"
    assert (done.returncode, done.stderr) == (0, expected)


@pytest.mark.parametrize(
    ("claims", "topic", "reason"),
    [
        ('{"rooms": ["a"]}', "rooms/a/say/ann", 'by grant "rooms", publish = "rooms/{claims.rooms}/say/{principal}"'),
        ('{"suspended": true}', "users/ann/outbox", 'by deny "suspended", publish = "#"'),
        ("{}", "rooms/a/mute/bob", "needs role = moderator or admin"),
        ("{}", "rooms/a/say/ann", "claims.rooms is missing"),
        ('{"rooms": ["+"]}', "rooms/a/say/ann", "unsafe_value: claims.rooms"),
        ('{"rooms": ["a"]}', "rooms/attic/say/ann", 'claims.rooms is "a", the topic needs "attic"\n'),
        ('{"rooms": ["a"]}', "rooms/a/say/bob", 'principal is "ann", the topic needs "bob"\n'),
        ('{"rooms": ["a"]}', "users/bob/outbox", 'principal is "ann", the topic needs "bob"\n'),
    ],
)
def test_explain_prints_the_reason(run: Run, claims: str, topic: str, reason: str) -> None:
    assert reason in run("explain", CHAT, "--principal", "ann", "--claims", claims, "publish", topic).stdout


OUTBOX = {"action": "publish", "resource": "users/ann/outbox"}


def test_explain_prints_json(run: Run) -> None:
    done = run("explain", CHAT, "--principal", "ann", "--client-id", "bob", "--json", "publish", "users/ann/outbox")
    assert json.loads(done.stdout) == {
        **OUTBOX,
        "principal": "ann",
        "client_id": "bob",
        "allowed": True,
        "reasons": ['by grant "inbox", publish = "users/{principal}/outbox"'],
        "client_id_refused": ['granted client IDs: "ann" or "ann/*"'],
    }
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        (("--principal", "ann"), "ACTION"),
        (("--principal", "ann", "publish"), "RESOURCE"),
        (("publish", "a"), "--principal"),
    ],
)
def test_one_question_needs_an_action_a_resource_and_a_principal(
    run: Run, given: tuple[str, ...], missing: str
) -> None:
    assert refused(run, "explain", CHAT, *given) == f"Invalid value for {missing}: required without --questions"


def test_a_question_is_either_in_the_command_or_in_the_file(run: Run) -> None:
    assert "give either ACTION" in refused(run, "explain", CHAT, "connect", "ann", "--questions", "-")


@pytest.mark.parametrize(
    ("questions", "code"),
    [
        ([OUTBOX, {**OUTBOX, "claims": {"suspended": False}}], 0),
        ([OUTBOX, {**OUTBOX, "principal": "bob"}], 1),
        ([OUTBOX, {**OUTBOX, "claims": {"suspended": True}}], 1),
        ([OUTBOX, {"action": "connect"}], 2),
        ([], 2),
    ],
)
def test_many_questions_exit_with_0_if_all_are_allowed_and_with_2_if_one_is_broken_or_there_is_none(
    run: Run, folder: Path, questions: list[dict[str, object]], code: int
) -> None:
    (folder / "questions.jsonl").write_text("".join(f"{json.dumps(each)}\n" for each in questions))
    done = run("explain", CHAT, "--questions", "questions.jsonl", "--principal", "ann")
    assert (done.returncode, done.stdout.count("\n")) == (code, len(questions))
    assert done.stderr.startswith(f"{len(questions)} questions: ")


def test_each_question_is_answered_on_its_line_and_its_own_principal_counts_first(run: Run) -> None:
    lines = [
        json.dumps({"action": "publish", "resource": "rooms/a/say/bob", "principal": "bob", "client_id": "bob"}),
        "",
        json.dumps({"action": "publish", "resource": "rooms/a/say/ann"}),
    ]
    options = ("--principal", "ann", "--claims", '{"rooms": ["a"]}', "--client-id", "ann")
    done = run("explain", CHAT, "--questions", "-", *options, typed="\r\n".join(lines).encode())
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(each["line"], each["principal"], each["allowed"]) for each in answers] == [
        (1, "bob", True),
        (3, "ann", True),
    ]
    assert [each["client_id_refused"] for each in answers] == [[], []]


@pytest.mark.parametrize(
    ("line", "error"),
    [
        (b"@authorizer.toml", 'expected a JSON object, as in \'{"key": "value"}\''),
        (b"[1]", "expected a JSON object"),
        (b"\xff", "expected a JSON object"),
        (b'{"action": "publish", "resource": "a", "resource": "b"}', "duplicate key"),
        (b'{"action": "publish", "resource": "a", "claims": {"x": NaN}}', "expected a JSON object"),
        (b'{"action": "publish", "resource": "a", "room": "b"}', "client_id, found room"),
        (b'{"action": "fly", "resource": "a"}', "action: Input should be 'connect'"),
        (b'{"action": "publish"}', "resource: Field required"),
        (b'{"action": "publish", "resource": "a/#"}', "resource: a topic name must not contain a wildcard"),
        (b'{"action": "subscribe", "resource": "a/#/b"}', "resource: "),
        (b'{"action": "connect", "resource": "a", "principal": ""}', "principal: expected a name"),
    ],
)
def test_a_broken_line_is_reported_with_its_number_and_stops_no_other(run: Run, line: bytes, error: str) -> None:
    good = json.dumps(OUTBOX).encode()
    done = run("explain", CHAT, "--questions", "-", "--principal", "ann", typed=b"\n".join((good, line, good)))
    first, broken, last = [json.loads(each) for each in done.stdout.splitlines()]
    assert (first["allowed"], broken["line"], last["line"], last["allowed"]) == (True, 2, 3, True)
    assert error in broken["error"]
    assert (done.returncode, done.stderr) == (2, "3 questions: 2 allowed, 0 denied, 1 not understood\n")


def test_questions_without_a_principal_anywhere_are_not_understood(run: Run) -> None:
    done = run("explain", CHAT, "--questions", "-", typed=json.dumps(OUTBOX).encode())
    assert json.loads(done.stdout) == {"line": 1, "error": "principal: expected a name, here or as --principal"}
