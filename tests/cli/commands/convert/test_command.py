"""`iot-authorizer convert acl`: what it prints and writes."""

import csv
import json
import subprocess
import time
from pathlib import Path

import pytest

from iot_policies import PolicyTemplate
from tests.cli.in_process import run_here

FLEET = """\
user pump-7
topic write devices/pump-7/telemetry/#
user pump-8
topic write devices/pump-8/telemetry/#
user operator
topic readwrite devices/#
pattern read devices/%u/commands/+
"""


def convert(folder: Path, text: str, *options: str) -> "subprocess.CompletedProcess[str]":
    (folder / "acl").write_text(text)
    return run_here(folder, "convert", "acl", "acl", *options)


def report(folder: Path, text: str, *options: str) -> str:
    return convert(folder, text, *options).stderr


def claims(folder: Path, text: str, *options: str) -> dict[str, object]:
    convert(folder, text, "--users-output", "claims.csv", *options)
    with (folder / "claims.csv").open(newline="") as file:
        return {row["name"]: json.loads(row["claims"]) for row in csv.DictReader(file)}


def test_the_same_is_proved_and_users_with_the_same_rules_share_a_grant(tmp_path: Path) -> None:
    done = convert(tmp_path, FLEET)
    assert done.returncode == 0
    heading = (
        "acl: proved: mosquitto and the template let 3 users and all users without rules publish and receive the same"
    )
    assert done.stderr.startswith(f"{heading}\n")
    assert done.stdout.count("[[grant]]") == 4
    assert 'when   = { acl = "pump-7" }\nretain = [\n    "devices/{principal}/telemetry/#",' in done.stdout
    assert claims(tmp_path, FLEET) == {
        "pump-7": {"acl": "pump-7"},
        "pump-8": {"acl": "pump-7"},
        "operator": {"acl": "operator"},
    }


def test_output_writes_the_template_that_is_printed_without_it(tmp_path: Path) -> None:
    printed = convert(tmp_path, FLEET)
    written = convert(tmp_path, FLEET, "--output", "policies/fleet.toml")
    assert (written.stdout, written.stderr) == ("", printed.stderr)
    assert (tmp_path / "policies" / "fleet.toml").read_text() == printed.stdout
    assert PolicyTemplate.load(tmp_path / "policies" / "fleet.toml").entries


@pytest.mark.parametrize("option", ["--output", "--users-output"])
def test_a_file_that_exists_is_not_replaced(tmp_path: Path, option: str) -> None:
    (tmp_path / "mine").write_text("kept")
    done = convert(tmp_path, FLEET, option, "mine")
    assert done.returncode == 2
    assert f"Invalid value for {option}: mine exists: name another file, or remove it" in done.stderr
    assert (tmp_path / "mine").read_text() == "kept"


def test_the_template_and_the_claims_need_a_file_each(tmp_path: Path) -> None:
    done = convert(tmp_path, FLEET, "--output", "one", "--users-output", "./one")
    assert done.returncode == 2
    assert "Invalid value for --users-output: expected a file other than that of --output" in done.stderr
    assert not (tmp_path / "one").exists()


@pytest.mark.parametrize(
    ("rules", "lines"),
    [
        (
            "topic read $SYS/#",
            [
                "mosquitto lets user ann receive $SYS, the template does not",
                "IoT Core reserves topics that start with $",
            ],
        ),
        (
            "topic write a/b/c/d/e/f/g/h/i",
            ["publish a/b/c/d/e/f/g/h/i, the template does not", "with more than 7 slashes or 256 bytes"],
        ),
        (
            "topic read a/+/b/#",
            ["receive a/any/b/any, the template", "line 2: topic read a/+/b/#", "set widen = true"],
        ),
        ("topic read a?b", ["receive a?b, the template does not", "has none of * ? { }"]),
        ("topic read {principal}/b", ["receive {principal}/b, the template does not", "has none of * ? { }"]),
        (
            "topic read a/#\ntopic deny a/+/secret",
            ["receive a/any/any/secret", "line 2: topic read a/#", "its + takes deeper levels"],
        ),
        (
            "topic read a/+/c\nuser bob\ntopic read a/b/#",
            ["user ann receive a/any/c", 'needs a denial that would also deny grant "bob", subscribe = "a/b/#"'],
        ),
        (
            "topic read a/#\npattern read b\npattern deny a/%u",
            ["user ann receive a/ann, the template does not", "a deny of the template reaches it"],
        ),
    ],
)
def test_what_differs_is_listed_with_a_topic_the_line_and_the_reason(
    tmp_path: Path, rules: str, lines: list[str]
) -> None:
    done = convert(tmp_path, f"user ann\n{rules}\n")
    assert done.returncode == 1
    assert done.stderr.startswith("acl: 1 difference in what ")
    for line in lines:
        assert line in done.stderr


def test_a_difference_of_many_users_is_printed_once(tmp_path: Path) -> None:
    found = report(tmp_path, "pattern read $x/%u\n" + "".join(f"user u{number}\ntopic a\n" for number in range(100)))
    assert found.count("$x/") == 2
    assert "    the same for 101 other clients" in found


def test_of_a_user_20_lines_that_differ_are_printed_and_that_there_are_more(tmp_path: Path) -> None:
    found = report(tmp_path, "user ann\n" + "".join(f"topic read $SYS/{number}\n" for number in range(30)))
    assert found.startswith("acl: 21 differences in ")
    assert "  user ann has more differences in what it may receive\n" in found


def test_a_user_whose_policy_is_too_large_is_named(tmp_path: Path) -> None:
    rules = "".join(f"topic rooms/{number}/a-topic-with-a-long-name-that-takes-much-space\n" for number in range(300))
    done = convert(tmp_path, f"user ann\n{rules}")
    assert done.returncode == 1
    assert "user ann gets no policy here: policy_too_large" in done.stderr


def test_rules_that_differ_in_one_level_become_a_claim(tmp_path: Path) -> None:
    rules = "topic read sites/s{site}/#\ntopic write rooms/r{number}/say\ntopic write rooms/lobby/say\n"
    text = "".join(f"user u{number}\n" + rules.format(site=number % 12, number=number) for number in range(24))
    done = convert(tmp_path, text)
    assert done.returncode == 0
    assert '"sites/{claims.sites}/#"' in done.stdout
    assert 'retain = ["rooms/{claims.rooms}/say"]' in done.stdout
    assert claims(tmp_path, text)["u13"] == {"acl": "no rules", "sites": ["s1"], "rooms": ["r13", "lobby"]}


def test_an_acl_file_that_would_make_a_slow_template_is_refused(tmp_path: Path) -> None:
    done = convert(tmp_path, "user ann\n" + "".join(f"topic {number}/x{number}\n" for number in range(1000)))
    assert done.returncode == 2
    assert "the template would have 2,002 entries, and loads too slowly with more than 2,000" in done.stderr
    assert done.stderr.rstrip().endswith("(user ann has most rules: 1,000)")


@pytest.mark.slow
def test_a_fleet_is_converted_and_proved_in_seconds(tmp_path: Path) -> None:
    text = "".join(
        f"user u{number}\n" + "".join(f"topic rooms/r{(number * step) % 300}/say\n" for step in range(1, 10))
        for number in range(2000)
    )
    begun = time.process_time()
    done = convert(tmp_path, text)
    assert (done.returncode, done.stdout.count("[[grant]]")) == (0, 2)
    assert time.process_time() - begun < 60


def test_users_of_the_password_file_need_claims_too(tmp_path: Path) -> None:
    digest = "A" * 86 + "=="
    encoded = f"$7$101$AAAAAAAAAAAAAAAA${digest}"
    (tmp_path / "passwd").write_text(f"pump-7:{encoded}\nann:{encoded}\n")
    found = claims(tmp_path, FLEET, "--passwords", "passwd")
    assert found["ann"] == {"acl": "no rules"}
    assert found["pump-7"] == {"acl": "pump-7"}


def test_users_with_names_that_a_template_cannot_have_are_a_difference(tmp_path: Path) -> None:
    done = convert(tmp_path, "user a/b\ntopic x\nuser +\ntopic x\n")
    assert done.returncode == 1
    assert "acl: 1 difference in what 0 users" in done.stderr
    assert "  user a/b gets no policy here: a user name is one level of a topic" in done.stderr
    assert "    the same for 1 other client" in done.stderr


@pytest.mark.parametrize(("one", "other"), [("Ann", "ann"), ("\u0390", "\u03aa\u0301")])
def test_roles_with_names_that_a_deny_takes_for_equal_stay_apart(tmp_path: Path, one: str, other: str) -> None:
    text = f"user {one}\ntopic a/#\ntopic deny a/b\nuser {other}\ntopic a/#\n"
    assert convert(tmp_path, text).returncode == 0
    assert claims(tmp_path, text) == {one: {"acl": one}, other: {"acl": f"{other} (2)"}}


def test_a_filter_with_a_last_plus_and_hash_is_one_entry(tmp_path: Path) -> None:
    done = convert(tmp_path, "user ann\ntopic read a/+/#\ntopic deny a/b/+/#\nuser bob\ntopic read +/#\n")
    assert (done.returncode, done.stderr.count("proved")) == (0, 1)
    assert 'subscribe = ["a/#"]' in done.stdout
    assert 'subscribe = ["a/b/#"]' in done.stdout
    assert 'subscribe = ["#"]' in done.stdout


def test_a_deny_of_topics_that_iot_core_refuses_stays(tmp_path: Path) -> None:
    text = f"user ann\ntopic read a/#\ntopic deny a/b/c/d/e/f/g/h/i\ntopic deny a/{'x' * 300}\n"
    assert report(tmp_path, text).startswith("acl: proved: ")


def test_many_entries_in_conflict_are_left_out_in_seconds(tmp_path: Path) -> None:
    conflicts = "".join(f"user u{number}\ntopic read s{number}/+/t{number}\n" for number in range(300))
    text = f"{conflicts}user boss\n" + "".join(f"topic read s{number}/k/#\n" for number in range(300))
    begun = time.process_time()
    done = convert(tmp_path, text)
    assert "  mosquitto lets user u299 receive s299/any/t299, the template does not" in done.stderr
    assert time.process_time() - begun < 10


def test_client_ids_are_the_user_name_or_any(tmp_path: Path) -> None:
    text = "pattern read clients/%c\n"
    assert 'connect = ["{principal}"]' in convert(tmp_path, text).stdout
    free = convert(tmp_path, text, "--client-ids", "any")
    assert (
        'connect      = ["{client_id}"]\nconnect_with = ["LastWill"]\nacknowledge  = ["any_client_id"]' in free.stdout
    )
    assert 'subscribe = ["clients/{client_id}"]' in free.stdout
    assert (free.returncode, free.stderr.count("proved")) == (0, 1)


def test_rules_for_clients_without_a_name_are_converted_on_demand(tmp_path: Path) -> None:
    text = "topic read public/#\nuser ann\ntopic a\n"
    assert "left out: the topics before the first user" in report(tmp_path, text)
    done = convert(tmp_path, text, "--anonymous")
    assert done.returncode == 0
    assert (
        'when         = { anonymous = true }\nconnect      = ["{principal}/*"]\nconnect_with = ["LastWill"]'
        in done.stdout
    )
    assert 'set principal = "anonymous" and claims = { anonymous = true } in [anonymous]' in done.stderr


def test_refused_subscriptions_are_listed_with_a_topic_that_mosquitto_delivers(tmp_path: Path) -> None:
    found = report(tmp_path, "user ann\ntopic read a/b/c\n")
    assert "    a/b/+ of user ann, on which mosquitto delivers a/b/c\n" in found


def test_of_wrong_lines_ten_equal_ones_are_printed_and_nothing_is_written(tmp_path: Path) -> None:
    done = convert(tmp_path, "topik a\n" * 1000, "--output", "policy.toml")
    assert done.returncode == 2
    assert done.stderr.splitlines()[10:] == [
        "acl: 990 more lines like line 1",
        "iot-authorizer: Invalid value for ACL_FILE: 1,000 lines are wrong: nothing was written",
    ]
    assert not (tmp_path / "policy.toml").exists()
