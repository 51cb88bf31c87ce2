"""`iot-authorizer diff`: two templates, files or revisions of git, for people and for programs."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.cli.conftest import Run, refused

CHAT = "policies/chat.toml"


@pytest.fixture
def edited(folder: Path) -> str:
    """The chat with three edits: only the moderators of a room mute there, a deny of another text, another time."""
    text = (folder / CHAT).read_text()
    for old, new in (
        ("rooms/+/mute/+", "rooms/{claims.rooms}/mute/+"),
        ("suspended = true", 'suspended = "yes"'),
        ('"15m"', '"5m"'),
    ):
        assert old in text
        text = text.replace(old, new)
    (folder / "edited.toml").write_text(text)
    return "edited.toml"


def test_diff_prints_what_opens_and_closes_with_conditions_and_examples(run: Run, edited: str) -> None:
    done = run("diff", CHAT, edited)
    assert done.stdout.splitlines() == [
        'opens  publish, retain: deny "suspended", publish = "#", removed',
        "         if suspended = true unless suspended = yes",
        '         example: ann with {"suspended": 1}: publish users/ann/outbox',
        'closes publish: grant "moderators", publish = "rooms/+/mute/+", removed',
        "         if role = moderator or admin",
        '         example: ann with {"role": "moderator"}: publish rooms/any/mute/any',
        "refuses: a principal whose claims.rooms is not one plain level (unsafe_value)",
        '         example: ann with {"role": "moderator", "rooms": false}',
        "changes session.refresh_after: 900s becomes 300s",
        "everything else is the same for every principal",
    ]
    assert (done.returncode, done.stderr) == (1, "")


def test_templates_that_allow_the_same_exit_with_0(run: Run, folder: Path) -> None:
    text = (folder / CHAT).read_text().replace('"rooms/+/mute/+"', '"rooms/+/mute/+", "rooms/lobby/mute/{principal}"')
    (folder / "same.toml").write_text(text)
    done = run("diff", CHAT, "same.toml")
    assert (done.returncode, done.stdout) == (0, "both allow the same for every principal\n")


def test_what_is_not_covered_exits_with_3_if_there_is_no_difference(run: Run, folder: Path) -> None:
    wide = '[[grant]]\nwiden = true\npublish = ["a/+/b"]\n'
    (folder / "wide.toml").write_text(wide)
    (folder / "other.toml").write_text(f'{wide}[[grant]]\npublish = ["a/x/b"]\n')
    done = run("diff", "wide.toml", "other.toml")
    expected = 'not covered: grant[0], publish = "a/+/b": `widen` allows more than the entry matches\n'
    assert (done.returncode, done.stdout) == (3, expected)


def test_refused_principals_are_named_with_their_reason_code(run: Run, folder: Path) -> None:
    (folder / "old.toml").write_text('[[grant]]\npublish = ["a"]\n')
    (folder / "new.toml").write_text('[[grant]]\npublish = ["a", "a/{claims.x}"]\n')
    lines = run("diff", "old.toml", "new.toml").stdout.splitlines()
    assert "refuses: a principal whose claims.x is not one plain level (unsafe_value)" in lines
    assert '         example: ann with {"x": "a/b"}' in lines


def test_diff_prints_json(run: Run, edited: str) -> None:
    found = json.loads(run("diff", CHAT, edited, "--json").stdout)
    assert [*found] == ["same", "lines", "refusals", "settings", "outside", "not_covered"]
    assert found["lines"][1] == {
        "effect": "closes",
        "entry": 'grant "moderators", publish = "rooms/+/mute/+"',
        "added": False,
        "actions": ["publish"],
        "when": {"role": ["moderator", "admin"]},
        "unless": [],
        "examples": [
            {
                "action": "publish",
                "resource": "rooms/any/mute/any",
                "principal": "ann",
                "claims": {"role": "moderator"},
                "client_id": "phone",
                "connect_attributes": [],
            }
        ],
    }


USERS = """
{"principal": "ann", "claims": {"role": "admin", "rooms": ["a"]}}
{"principal": "bob", "claims": {"rooms": ["a"]}}
{"principal": "eve", "claims": {"suspended": "on"}}
"""


def test_the_users_that_are_affected_are_named(run: Run, folder: Path, edited: str) -> None:
    (folder / "users.jsonl").write_text(USERS)
    lines = run("diff", CHAT, edited, "--users", "users.jsonl").stdout.splitlines()
    assert lines[-3:] == [
        "affected: 2 of 3 users",
        "  ann: closes publish rooms/any/mute/any",
        "  eve: opens publish users/eve/outbox",
    ]


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=ann", "-c", "user.email=ann@example.com")
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def repository(folder: Path) -> Path:
    """A project in a folder of a repository, with one commit."""
    git(folder, "init")
    git(folder, "add", "policies")
    git(folder, "commit", "-m", "first")
    return folder


@pytest.mark.slow
def test_a_template_can_be_one_of_a_revision(run: Run, repository: Path, edited: str) -> None:
    (repository / CHAT).write_text((repository / edited).read_text())
    assert run("diff", f"HEAD:{CHAT}", CHAT).stdout == run("diff", f"HEAD:{CHAT}", edited).stdout
    assert run("diff", f"HEAD:{CHAT}", CHAT).returncode == 1


def test_the_topic_prefix_of_the_configuration_is_also_that_of_a_revision(run: Run, repository: Path) -> None:
    config = repository / "authorizer.toml"
    config.write_text(f'topic_prefix = "dev"\n{config.read_text()}')
    (repository / "other.toml").write_text("")
    assert "publish dev/users/ann/outbox" in run("diff", f"HEAD:{CHAT}", "other.toml").stdout


@pytest.mark.parametrize(
    ("old", "problem"),
    [
        ("HEAD:policies/none.toml", "HEAD:policies/none.toml: not a file, and git finds no such revision: path"),
        ("none:policies/chat.toml", "none:policies/chat.toml: not a file, and git finds no such revision: "),
        ("-p:policies/chat.toml", "-p:policies/chat.toml: not a file, and git finds no such revision: "),
        ("HEAD:", "Invalid value for OLD, NEW: expected a file, or REVISION:FILE, found HEAD:"),
        ("none.toml", "none.toml: file not found: "),
    ],
)
def test_what_is_not_there_is_named(run: Run, repository: Path, old: str, problem: str) -> None:
    assert refused(run, "diff", "--", old, CHAT).startswith(problem)


def test_an_error_in_a_revision_names_it_with_its_line(run: Run, repository: Path) -> None:
    (repository / CHAT).write_text('[[grant]]\npublish = ["a/+/b/#"]\n')
    git(repository, "commit", "-a", "-m", "second")
    assert refused(run, "diff", f"HEAD~1:{CHAT}", f"HEAD:{CHAT}").startswith(f"HEAD:{CHAT}:2: grant[0].publish[0]: ")
