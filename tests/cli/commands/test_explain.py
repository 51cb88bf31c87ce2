"""`iot-authorizer explain`: which entry allows or denies."""

import pytest

from tests.cli.conftest import Run

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
