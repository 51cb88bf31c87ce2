"""`iot-authorizer what-can`: what a principal can do, for people and for programs."""

import json
from pathlib import Path

from tests.cli.conftest import Run, refused

CHAT = "policies/chat.toml"


def test_what_can_prints_each_client_id_and_topic_with_its_entry(run: Run) -> None:
    done = run("what-can", CHAT, "--principal", "ann", "--claims", '{"rooms": ["lobby"]}')
    assert done.stdout.splitlines() == [
        "connect with the client ID",
        '  ann                  by grant "inbox", connect = "{principal}"',
        '  ann/*                by grant "inbox", connect = "{principal}/*"',
        "",
        "publish to",
        '  users/ann/outbox     by grant "inbox", publish = "users/{principal}/outbox"',
        '  rooms/lobby/say/ann  by grant "rooms", publish = "rooms/{claims.rooms}/say/{principal}"',
        '  rooms/lobby/topic    by grant "rooms", retain = "rooms/{claims.rooms}/topic"',
        "",
        "publish with RETAIN to",
        '  rooms/lobby/topic    by grant "rooms", retain = "rooms/{claims.rooms}/topic"',
        "",
        "subscribe to, and receive from",
        '  users/ann/inbox/#    by grant "inbox", subscribe = "users/{principal}/inbox/#"',
        '  rooms/lobby/#        by grant "rooms", subscribe = "rooms/{claims.rooms}/#"',
    ]
    assert (done.returncode, done.stderr) == (0, "")


OWN = """
[[grant]]
connect = ["{principal}/*"]
connect_with = ["LastWill"]
publish = ["a/+", "b", "c/{claims.x}"]
[[deny]]
connect = ["ann/x*"]
connect_with = ["LastWill"]
[[deny]]
publish = ["a/b", "b"]
"""


def test_what_is_denied_is_below_what_it_is_taken_from_or_in_its_place(run: Run, folder: Path) -> None:
    (folder / "own.toml").write_text(OWN)
    done = run("what-can", "own.toml", "--principal", "ann", "--client-id", "bob")
    assert done.stdout.splitlines() == [
        "connect with the client ID",
        '  ann/*, without a persistent session  by grant[0], connect = "{principal}/*"',
        '    except ann/x*, with a Will         by deny[0], connect = "ann/x*"',
        "",
        "publish to",
        '  a/+                                  by grant[0], publish = "a/+"',
        '    except a/b                         by deny[1], publish = "a/b"',
        '  b                                    denied by deny[1], publish = "b"',
        "",
        "publish with RETAIN to",
        "  nothing",
        "",
        "subscribe to, and receive from",
        "  nothing",
    ]
    assert done.stderr.splitlines() == [
        'left out: grant[0], publish = "c/{claims.x}": claims.x is missing',
        "iot-authorizer: the authorizer refuses the client ID bob",
    ]


def test_what_can_prints_json(run: Run, folder: Path) -> None:
    (folder / "own.toml").write_text(OWN)
    found = json.loads(run("what-can", "own.toml", "--principal", "ann", "--json").stdout)
    uses = ["connect", "publish", "retain", "subscribe", "receive", "read", "send"]
    assert [*found] == ["problem", "client_id_refused", *uses, "left_out"]
    assert found["publish"][1] == {
        "resource": "b",
        "entry": 'grant[0], publish = "b"',
        "connect_with": None,
        "allowed": False,
        "denied": [{"resource": "b", "entry": 'deny[1], publish = "b"', "connect_with": None, "all": True}],
    }


def test_what_can_exits_with_1_for_a_principal_without_a_policy(run: Run) -> None:
    done = run("what-can", "policies/fleet.toml", "--principal", "ann")
    assert (done.returncode, done.stdout) == (1, "nothing: nothing_granted: no grant applies to this principal\n")
    done = run("what-can", "policies/fleet.toml", "--principal", "ann", "--json")
    assert (done.returncode, json.loads(done.stdout)["publish"]) == (1, [])


def test_what_can_needs_a_principal(run: Run) -> None:
    assert "--principal" in refused(run, "what-can", CHAT)
