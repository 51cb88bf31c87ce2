"""Templates on which faults of the compiler show, and a program that looks for one with a given compiler.

Run as a program, it proves the templates with the compiler that Python finds, and prints the first counterexample.
"""

import json
from collections.abc import Iterator
from contextlib import suppress

from iot_policies import Deny, Grant, PolicyTemplate, compile_policy
from iot_policies.account_region import EXAMPLE_PLACE
from iot_policies.errors import PolicyError
from iot_policies.proofs import prove
from tests import ROOT

READY = [ROOT / "policies" / f"{name}.toml" for name in ("broadcast", "chat", "fleet", "public")]

Blocks = tuple[Grant | Deny, ...]


def grant(**keys: object) -> Grant:
    return Grant.model_validate(keys)


def deny(**keys: object) -> Deny:
    return Deny.model_validate(keys)


CRAFTED: dict[str, Blocks] = {
    "containers": (
        grant(when={"x": True}, publish=["b/#"]),
        grant(when={"y": True}, publish=["b/x/#"]),
        grant(publish=["b/x/+"]),
    ),
    "container with a condition": (
        grant(when={"x": True}, publish=["a/#"]),
        grant(publish=["a/b/#"], subscribe=["a/+"]),
    ),
    "cut with a condition": (
        grant(publish=["a/+/c", "a/b/d/c"]),
        grant(when={"x": True}, publish=["a/#"]),
    ),
    "inside another entry for some values": (
        grant(when={"x": True}, publish=["a/#"]),
        grant(when={"y": True}, publish=["b/#"]),
        grant(publish=["{principal}/x/+", "{claims.z}/+"]),
    ),
    "a container beside the other entry": (
        grant(when={"x": True}, publish=["a/b/{claims.z}/c", "a/#"]),
        grant(publish=["a/+/c"]),
    ),
    "another entry that is deeper": (grant(publish=["{principal}/+", "a/+/+/#"]),),
    "the last level of a container": (grant(publish=["a/+/{claims.x}", "a/b/{principal}"]),),
    "a deny of a name": (grant(publish=["a/#"]), deny(publish=["a/{principal}"])),
    "names of a container": (grant(subscribe=["$share/{claims.team}/a/#", "a/b/+", "$share/g/a/b/c/d"]),),
    "another entry that is much deeper": (grant(publish=["a/+/c", "a/b/d/e/c"]),),
    "a first wildcard that reaches deeper": (grant(publish=["a/+", "+/b/c"]),),
    "what begins with $ beside a wildcard": (grant(publish=["+/b", "$s/b"]),),
    "the first level of a container": (grant(publish=["{claims.x}/#", "{principal}/b"]),),
    "entries that contain each other": (grant(publish=["a/{claims.x}/#", "a/{claims.y}/#"]),),
    "values of a container": (grant(publish=["a/{claims.x}/#", "a/{claims.y}/{claims.z}/{principal}"]),),
    "each value of a container": (grant(publish=["a/{claims.x}/#", "a/{claims.x}/+"]),),
    "equal values": (grant(publish=["a/{claims.x}/+", "a/{claims.y}/b/c"]),),
    "a level between wildcards": (grant(publish=["a/+/b/#"]),),
    "a level between the first one and the last one": (grant(publish=["+/b/#"]),),
    "an unknown placeholder": (grant(publish=["a/+", "b/{foo}"]),),
    "all levels behind one": (grant(publish=["a/+/#"], subscribe=["a/+/+/#"]),),
    "order of placeholders": (grant(publish=["r/{principal}/{claims.a}/+"], subscribe=["r/{claims.a}/+/{principal}"]),),
    "leading wildcards": (grant(publish=["+"], subscribe=["+/+"]), deny(when={"off": True}, subscribe=["+/x"])),
    "a share": (grant(subscribe=["$share/{claims.g}/a/+", "b/#"]),),
    "a shared wildcard": (grant(subscribe=["$share/g/+"]),),
    "conditions": (
        grant(when={"role": ["a", "b"], "level": 7}, publish=["x"]),
        grant(when={"realm.roles": "*"}, publish=["y/{claims.realm.roles}"]),
        grant(connect=["{principal}/*"], publish=["z/#"], retain=["t"], subscribe=["z/#"]),
        deny(when={"off": [True, "soon", 3]}, publish=["z/#"], connect=["{principal}/*"]),
        deny(when={"no.retain": "*"}, retain=["#"], subscribe=["z/{claims.no.topics}"]),
    ),
    "denies of spellings": (
        grant(publish=["z/#"]),
        deny(when={"active": False}, publish=["z/1"]),
        deny(when={"code": ["7", "yes"]}, publish=["z/3"]),
        deny(when={"n": 2**53}, publish=["z/2/{claims.blocked}"]),
    ),
    "a deny of a list": (grant(publish=["z/#"]), deny(publish=["z/{claims.blocked.topics}"])),
    "words": (
        grant(publish=["a"]),
        grant(when={"scope": "read"}, publish=["a/{claims.scope}"]),
        deny(when={"scope": "none"}, publish=["#"]),
    ),
    "connect attributes": (
        grant(connect=["{principal}", "a/*"], connect_with=["LastWill"], publish=["x"]),
        grant(when={"role": "x"}, connect=["b/{principal}"], connect_with=[], publish=["y"]),
        grant(when={"role": "y"}, connect=["c"]),
        deny(when={"off": True}, connect=["a*"], connect_with=["PersistentConnect"]),
    ),
    "client IDs": (
        grant(connect=["{client_id}"], publish=["c/{client_id}/+", "d/#"]),
        deny(when={"off": True}, publish=["d/{client_id}/x"]),
    ),
    "client IDs, denied without one": (
        grant(when={"role": "a"}, publish=["d/+"]),
        deny(when={"off": True}, publish=["d/{client_id}"]),
    ),
    "beginnings of client IDs": (
        grant(connect=["{principal}/*"], publish=["x"]),
        deny(connect=["guest-*"], connect_with=["PersistentConnect"]),
    ),
    "direct messages": (
        grant(
            send=[
                {"to": "{claims.x}", "topics": ["a/{claims.x}", "b/+"]},
                {"to": "{principal}/*", "topics": ["#"]},
                {"to": "d", "topics": ["a/{claims.y}"]},
            ],
        ),
        grant(receive=["r/+"], read=["k/#"], subscribe=["s/#"]),
        deny(when={"off": True}, send=[{"to": "x*", "topics": ["a/#"]}, {"to": "{client_id}", "topics": ["b/c"]}]),
    ),
    "one receiver, and another topic": (
        grant(send=[{"to": "d", "topics": ["a/+"]}, {"to": "{claims.x}", "topics": ["a/b/c"]}]),
    ),
    "receivers of a branch": (
        grant(send=[{"to": "d/*", "topics": ["a/+"]}, {"to": "d/{claims.x}", "topics": ["a/b/c"]}]),
    ),
    "receivers that look alike": (
        grant(send=[{"to": "{claims.x}/*", "topics": ["a/#"]}, {"to": "{claims.y}/{claims.z}/*", "topics": ["a/+"]}]),
    ),
    "a receiver within a branch": (
        grant(send=[{"to": "{claims.x}/*", "topics": ["a/#"]}, {"to": "{claims.y}/{claims.z}", "topics": ["a/+"]}]),
    ),
    "a branch around a receiver": (
        grant(send=[{"to": "{claims.x}/{claims.z}", "topics": ["a/#"]}, {"to": "{claims.y}/*", "topics": ["a/+"]}]),
    ),
    "a receiver within others": (
        grant(
            send=[{"to": "{claims.x}", "topics": ["a/#"]}, {"to": "{claims.y}", "topics": ["a/+", "b/{claims.y}/+"]}]
        ),
    ),
    "levels in another order": (grant(publish=["e/{claims.x}/{claims.y}/+", "e/{principal}/{claims.z}/k"]),),
    "parts of levels": (
        grant(publish=["a/x-{principal}", "a/{claims.y}-z/+"], subscribe=["{claims.y}-{principal}/#"]),
    ),
    "an end within an end": (grant(publish=["{claims.x}-a/+", "{claims.y}b-a/c/d"]),),
    "an end around an end": (grant(publish=["{claims.y}b-a/+", "{claims.x}-a/c/d"]),),
    "a beginning within a beginning": (grant(publish=["a-{claims.x}/+", "a-b{claims.y}/c/d"]),),
    "a beginning around a beginning": (grant(publish=["a-b{claims.y}/+", "a-{claims.x}/c/d"]),),
    "a beginning and an end of one level": (grant(publish=["a-{claims.x}/+", "{claims.y}-b/c/d"]),),
    "equal resources": (grant(publish=["a/{claims.x}", "a/b"], subscribe=["a/{claims.y}"], retain=["a/{principal}"]),),
    "many": (grant(publish=[f"{'long' * 20}{number}/{{claims.x}}" for number in range(15)]),),
}
"""Blocks of templates. Each template has entries between which a fault of the compiler can do harm."""
SHARED: Blocks = (grant(subscribe=["$share/g/a"]),)
PREFIXED: Blocks = (
    grant(publish=["a/+", "$aws/x"], subscribe=["+/b", "$share/g/#"]),
    deny(when={"off": True}, publish=["#"], subscribe=["+/c", "$share/g/#"]),
    deny(when={"mute": True}, publish=["a/x"]),
)


def templates() -> Iterator[PolicyTemplate]:
    """All templates, as the compiler loads them now. One that it refuses is left out.

    The ready ones come last: they take longer, and find little that the others do not.
    """
    for blocks in CRAFTED.values():
        with suppress(ValueError):
            yield PolicyTemplate.of(blocks)
    for blocks in (SHARED, PREFIXED):
        with suppress(ValueError):
            yield PolicyTemplate.of(blocks, topic_prefix="dev")
    yield from map(PolicyTemplate.load, READY)


def main() -> None:
    """Prints the first template that is not proved, with the counterexample, as JSON; else `null`."""
    for number, template in enumerate(templates()):
        proof = prove(template)
        found = proof.counterexample
        if found is not None:
            principal, client_id = found.example
            try:
                documents = compile_policy(template, principal, client_id).documents(EXAMPLE_PLACE)
            except PolicyError:
                documents = []
            line = {"template": number, "kind": found.kind, "action": found.action, "text": found.text}
            line |= {"alone": found.is_alone, "attributes": found.attributes, "lines": [*found.lines()]}
            print(json.dumps(line | {"documents": documents, "client_id": client_id}))
            return
        if proof.not_covered:
            print(json.dumps({"template": number, "kind": "not covered", "lines": proof.not_covered}))
            return
    print("null")


if __name__ == "__main__":
    main()
