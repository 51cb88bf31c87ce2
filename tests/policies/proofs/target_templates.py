"""Templates on which faults of the targets show, and a program that looks for one with a given compiler.

Run as a program, it proves the templates for each target with the compiler that Python finds, and prints the first
counterexample.
"""

import json
from collections.abc import Iterator
from contextlib import suppress

from iot_policies import InvalidTopics, PolicyTemplate
from iot_policies.errors import PolicyError
from iot_policies.proofs.target_prover import prove_target
from iot_policies.proofs.targets import COGNITO_ROLE, SESSION_POLICY, Form
from tests.policies.proofs.faults import PREFIXED, READY, Blocks, deny, grant

_CONNECT = grant(connect=["{principal}", "{principal}/*"])
TARGETS = (SESSION_POLICY, COGNITO_ROLE)
CRAFTED: dict[str, Blocks] = {
    "a denial that reaches another action": (_CONNECT, grant(publish=["a/+"], receive=["a/#"])),
    "a denial of a beginning of another text": (_CONNECT, grant(publish=["{claims.x}/+"], receive=["{claims.y}/#"])),
    "a denial of one text": (
        _CONNECT,
        grant(publish=["a/+", "b/{claims.x}"], read=["a/b/c"]),
        deny(when={"off": True}, publish=["b/{claims.y}"]),
    ),
    "conditions of a CONNECT": (
        grant(connect=["{principal}"], connect_with=["LastWill"], publish=["{principal}/x"]),
        grant(when={"role": "x"}, connect=["{principal}/*"], connect_with=[], publish=["y"]),
        grant(when={"role": "y"}, connect=["{principal}/*"]),
        deny(when={"off": True}, connect=["{principal}*"], connect_with=["PersistentConnect"]),
        deny(when={"out": True}, connect=["{principal}"]),
    ),
    "client IDs that differ in case only": (
        grant(connect=["{principal}"], connect_with=["LastWill"], publish=["a"]),
        deny(connect=["{claims.x}"], connect_with=["LastWill"]),
    ),
    "direct messages": (
        _CONNECT,
        grant(send=[{"to": "{claims.x}", "topics": ["a/{claims.x}", "b/+"]}, {"to": "{principal}", "topics": ["c"]}]),
        grant(receive=["r/+"], read=["k/#"], subscribe=["s/#"]),
        deny(when={"off": True}, send=[{"to": "x*", "topics": ["a/#"]}]),
    ),
    "topics of a client": (_CONNECT, grant(publish=["c/{client_id}/+"], subscribe=["d/{principal}/#"])),
    "a topic of an identity": (grant(publish=["a/+/b"]), grant(publish=["{principal}/#"]), _CONNECT),
    "an identity in each place": (
        grant(
            connect=["{principal}", "d-{principal}"],
            subscribe=["{principal}/#"],
            publish=["a-{principal}/x", "{principal}-b/+"],
            send=[{"to": "{principal}", "topics": ["{principal}/c", "x-{principal}"]}],
        ),
    ),
    "two claims, of which one only denies": (
        grant(connect=["{principal}"], subscribe=["ab/#", "b/{claims.x}"]),
        deny(publish=["c/+", "{claims.x}/#"], subscribe=["{claims.y}/{principal}/#"], connect=["d*", "e"]),
    ),
    "one claim of two has many values": (
        _CONNECT,
        grant(
            receive=["a/{claims.x}"],
            read=["{claims.y}/{claims.x}/" + "long" * 40],
            send=[{"to": "d", "topics": ["b/{claims.y}"]}],
        ),
        grant(when={"all": True}, publish=["{claims.x}/{claims.y}/{claims.z}/" + "long" * 40]),
    ),
    "claims with the names of a token's": (_CONNECT, grant(when={"sub": "*"}, publish=["a"])),
    "what is denied to RETAIN only": (_CONNECT, grant(publish=["a/#"]), deny(retain=["a/b"])),
    "what only some guests need": (
        grant(when={"x": "*"}, publish=["a/{client_id}"]),
        _CONNECT,
        grant(when={"y": "*"}, publish=["a/{claims.z}"]),
        deny(when={"z": "*"}, publish=["b/{claims.x}", "b/{client_id}"]),
    ),
    "one list of actions": (_CONNECT, grant(publish=["a", "b"], subscribe=["a/#", "c"], retain=["d/{principal}"])),
    "claims of guests": (_CONNECT, grant(when={"x": "*"}, publish=["a/{claims.x}/{principal}"])),
    "wide characters": (_CONNECT, grant(publish=["a/{claims.x}"]), grant(when={"y": "*"}, publish=["\u0100"])),
    "a policy near the limit": (
        _CONNECT,
        grant(publish=[f"{'long' * 20}{number}/{{claims.x}}" for number in range(9)]),
    ),
    "a role near the limit": (
        _CONNECT,
        grant(publish=[f"{'long' * 40}{number}/{{claims.x}}" for number in range(30)]),
    ),
}
"""Blocks of templates. Most allow each principal some client IDs, since a session policy is for one of them."""


def templates() -> Iterator[PolicyTemplate]:
    """All templates, as the compiler loads them now. One that it refuses is left out."""
    for blocks in CRAFTED.values():
        with suppress(ValueError):
            yield PolicyTemplate.of(blocks)
    with suppress(ValueError):
        yield PolicyTemplate.of((_CONNECT, *PREFIXED), topic_prefix="dev")
    yield from map(PolicyTemplate.load, READY)


def main() -> None:
    """Prints the first template that is not proved for a target, with the counterexample, as JSON; else `null`."""
    for number, template in enumerate(templates()):
        for target in TARGETS:
            proof = prove_target(template, target)
            found = proof.counterexample
            if found is not None:
                policies = []
                with suppress(PolicyError, InvalidTopics):
                    policies.append(target.compile(template, found.example, Form()))
                line = {"template": number, "target": target.name, "kind": found.kind, "action": found.action}
                line |= {"text": found.text, "attributes": found.attributes, "lines": [*found.lines()]}
                print(json.dumps(line | {"policies": policies, "principal": found.example.principal.name}))
                return
            if proof.not_covered and proof.not_covered[0] != "no example principal got a policy":
                print(json.dumps({"template": number, "kind": "not covered", "lines": proof.not_covered}))
                return
    print("null")


if __name__ == "__main__":
    main()
