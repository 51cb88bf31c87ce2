"""Proofs and questions about templates: what they take, for the ready templates and for more and more grants.

Seconds are of CPU. All of this runs in one thread and waits for nothing, so a free machine takes as long.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.bounds import Bounds
from iot_policies import Grant, PolicyTemplate
from iot_policies.proofs import prove
from iot_policies.proofs.diff import diff

READY = ("broadcast", "chat", "fleet", "public")
GRANTS = (10, 20, 50)
USERS = 10_000
_CHAT = Path("policies/chat.toml")
_COMMAND = "from iot_authorizer_cli.entry_point import main; main()"


def report(bounds: Bounds) -> None:
    """Prints the seconds of each proof and question, with its bound."""
    for name in READY:
        _prove(name, PolicyTemplate.load(f"policies/{name}.toml"), bounds, most=0.5)
    for number in GRANTS:
        _prove(f"{number} grants of four entries", _with_grants(number), bounds, most=30)
    _line("diff of chat, with one condition and one entry changed", _diff(), bounds, most=1)
    _line(f"who-can --users of the command line, {USERS:,} users of chat", _who_can(), bounds, most=10)
    print()


def _line(name: str, seconds: float, bounds: Bounds, *, most: float) -> None:
    bound = bounds.at_most(f"proofs: {name}, s", seconds, bounds.time(most))
    print(f"proofs    {name}\n          {seconds:.2f} s   {bound}")


def _prove(name: str, template: PolicyTemplate, bounds: Bounds, *, most: float) -> None:
    started = time.process_time()
    proof = prove(template)
    seconds = time.process_time() - started
    found = f"{len(proof.examples)} examples, {proof.comparisons} comparisons, {proof.states} states"
    _line(f"{name}: {proof.verdict}, {found}", seconds, bounds, most=most)


def _with_grants(number: int) -> PolicyTemplate:
    return PolicyTemplate.of([_grant(f"area{index}") for index in range(number)])


def _grant(area: str) -> Grant:
    return Grant(
        when={"role": area},
        connect=(f"{area}/{{principal}}/*",),
        publish=(f"{area}/{{claims.rooms}}/say/{{principal}}", f"orders-{area}/+/state"),
        subscribe=(f"{area}/{{claims.rooms}}/#",),
    )


def _diff() -> float:
    text = _CHAT.read_text("utf-8")
    changed = text.replace('"admin"]', '"owner"]').replace("rooms/+/mute/+", "rooms/+/ban/+")
    old, new = (PolicyTemplate.parse(each.encode(), _CHAT) for each in (text, changed))
    started = time.process_time()
    found = diff(old, new)
    seconds = time.process_time() - started
    assert found.lines, "the changed template is the same"
    return seconds


def _who_can() -> float:
    with tempfile.TemporaryDirectory() as folder:
        users = Path(folder) / "users.jsonl"
        lines = (
            {"principal": f"user-{number}", "claims": {"rooms": ["lobby", f"room-{number % 50}"]}}
            for number in range(USERS)
        )
        users.write_text("".join(f"{json.dumps(line)}\n" for line in lines), "utf-8")
        asked = ["who-can", str(_CHAT), "subscribe", "rooms/room-7/#", "--users", str(users)]
        before = os.times()
        done = subprocess.run([sys.executable, "-c", _COMMAND, *asked], check=True, capture_output=True, text=True)
        after = os.times()
    assert f"can: {USERS // 50} of {USERS:,} users" in done.stdout, done.stdout[:1000]
    return after.children_user + after.children_system - before.children_user - before.children_system
