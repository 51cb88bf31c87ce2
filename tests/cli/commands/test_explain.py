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


def test_explain_names_the_entry_that_allows(run: Run) -> None:
    done = run("explain", CHAT, "--principal", "ann", "--claims", '{"rooms": ["a"]}', "publish", "rooms/a/say/ann")
    assert 'by grant "rooms", publish = "rooms/{claims.rooms}/say/{principal}"' in done.stdout


def test_explain_names_the_deny_that_denies(run: Run) -> None:
    done = run("explain", CHAT, "--principal", "ann", "--claims", '{"suspended": true}', "publish", "users/ann/outbox")
    assert 'by deny "suspended", publish = "#"' in done.stdout


def test_explain_says_what_a_claim_must_be(run: Run) -> None:
    done = run("explain", CHAT, "--principal", "ann", "publish", "rooms/a/mute/bob")
    assert "needs role = moderator or admin" in done.stdout


def test_explain_says_which_claim_is_missing(run: Run) -> None:
    done = run("explain", CHAT, "--principal", "ann", "publish", "rooms/a/say/ann")
    assert "claims.rooms is missing" in done.stdout


def test_explain_says_which_value_is_unsafe_without_the_value(run: Run) -> None:
    done = run("explain", CHAT, "--principal", "ann", "--claims", '{"rooms": ["+"]}', "publish", "rooms/a/say/ann")
    assert (done.returncode, "unsafe_value: claims.rooms" in done.stdout) == (1, True)


@pytest.mark.parametrize(
    ("topic", "other"),
    [("rooms/attic/say/ann", "claims.rooms"), ("rooms/a/say/bob", "principal"), ("users/bob/outbox", "principal")],
)
def test_explain_says_that_a_topic_is_for_another_value(run: Run, topic: str, other: str) -> None:
    done = run("explain", CHAT, "--principal", "ann", "--claims", '{"rooms": ["a"]}', "publish", topic)
    assert done.stdout.rstrip().endswith(f"is for another {other}")
