"""Policies: how long 200 topics take, how many fit, and how long a large template takes to load."""

import gc
import json
import statistics
import time

from bench.bounds import Bounds
from iot_policies import Grant, PolicyTemplate, PolicyTooLarge, Principal, compile_policy
from iot_policies.account_region import AccountRegion
from iot_policies.policy_plan import PolicyPlan

ROUNDS = 101
REGION, ACCOUNT = "eu-west-1", "123456789012"
ROOM = "room-{:05}"
_GRANTS, _PLAN_ROUNDS = 800, 7
_GRANT = """[[grant]]
when = {{ role = "r{0}" }}
publish = ["a{0}/+/b/{{principal}}/+"]
subscribe = ["c{0}/x/#"]
"""


def report(bounds: Bounds) -> None:
    """Prints the times, and the capacity beside one document a grant, written naively."""
    template = PolicyTemplate.of([Grant(publish=("rooms/{claims.rooms}/say/{principal}",))])
    principal = _principal(200)
    times = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        documents = compile_policy(template, principal).documents(AccountRegion(REGION, ACCOUNT))
        times.append((time.perf_counter() - started) * 1000)
    print(f"policies  200 topics for one principal, compiled and packed into {len(documents)}, median of {ROUNDS}")
    compiled = statistics.median(times)
    print(f"          {compiled:.2f} ms   {bounds.at_most('policies: 200 topics, ms', compiled, bounds.time(2))}\n")
    _report_growth(bounds)
    packed, naive = _most(template), _most_naively()
    print("policies  topics of the form rooms/room-00000/say/ann that fit into one principal's policy")
    print(f"          packed {packed}   one document a grant, written naively {naive}\n")


def _report_growth(bounds: Bounds) -> None:
    started = time.process_time()
    large = _template(_GRANTS)
    loaded = time.process_time() - started
    print(f"policies  a template of {_GRANTS} grants with wildcards, loaded and checked, processor time")
    print(f"          {loaded:.2f} s   {bounds.at_most(f'policies: {_GRANTS} grants, s', loaded, bounds.time(0.5))}\n")
    twice = _template(2 * _GRANTS)
    pairs = [(_plan_milliseconds(large), _plan_milliseconds(twice)) for _ in range(_PLAN_ROUNDS)]
    ratio = statistics.median(longer / shorter for shorter, longer in pairs)
    print(f"policies  its plan, as the Lambda reads it, and that of {2 * _GRANTS} grants, processor time, in turns")
    figures = "   ".join(f"{statistics.median(column):.1f} ms" for column in zip(*pairs, strict=True))
    print(f"          {figures}   ratio {ratio:.1f}   {bounds.at_most('policies: plan of twice as many', ratio, 3)}\n")


def _template(grants: int) -> PolicyTemplate:
    return PolicyTemplate.parse("".join(_GRANT.format(number) for number in range(grants)).encode(), "many.toml")


def _plan_milliseconds(template: PolicyTemplate) -> float:
    written = json.dumps(template.to_json())
    gc.disable()  # As while the Lambda starts.
    started = time.process_time()
    PolicyPlan.of_json(json.loads(written))
    taken = time.process_time() - started
    gc.enable()
    return taken * 1000


def _principal(rooms: int) -> Principal:
    return Principal("ann", {"rooms": [ROOM.format(number) for number in range(rooms)]})


def _most(template: PolicyTemplate) -> int:
    count = 0
    while True:
        try:
            compile_policy(template, _principal(count + 1)).documents(AccountRegion(REGION, ACCOUNT))
        except PolicyTooLarge:
            return count
        count += 1


def _most_naively() -> int:
    """One grant is one document, and each topic a statement of its own, as samples write it."""
    count = 0
    while True:
        statements = [
            {
                "Effect": "Allow",
                "Action": "iot:Publish",
                "Resource": f"arn:aws:iot:{REGION}:{ACCOUNT}:topic/rooms/{ROOM.format(number)}/say/ann",
            }
            for number in range(count + 1)
        ]
        if len(json.dumps({"Version": "2012-10-17", "Statement": statements}, separators=(",", ":"))) > 2048:
            return count
        count += 1
