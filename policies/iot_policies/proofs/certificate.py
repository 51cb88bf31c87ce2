"""A proof as JSON, for a checker that trusts neither this package nor the compiler.

- It has no times, and no paths but the template's name: it changes only with the template, the compiler or the prover.
- `entries`: what the compiler renders for each entry alone. `pairs`: for each entry with a denial and each other one of
  the action, `apart`, or each case in which the denial reaches it, and the entry that makes that harmless.
- `examples`: each principal of step 4, with the SHA-256 of its documents as `iot-authorizer render` prints them, or the
  reason code for which it has none.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from iot_policies.account_region import EXAMPLE_PLACE
from iot_policies.actions import Action
from iot_policies.compiler import Policy
from iot_policies.entries import Entry
from iot_policies.errors import PolicyTooLarge
from iot_policies.packing import compact
from iot_policies.proofs.pairs import Meeting
from iot_policies.proofs.patterns import show, text_of
from iot_policies.proofs.prover import ASSUMPTIONS, LEFT_OUT, Proof, reasons_without_policy
from iot_policies.proofs.representatives import ExamplePrincipal
from iot_policies.template import PolicyTemplate
from iot_policies.toml_file import key_of

VERSION = 1
_PROOFS = Path(__file__).parent


def certificate(template: PolicyTemplate, proof: Proof, *, name: str, content: bytes) -> dict[str, object]:
    """The certificate of a proof. `name` and `content` are those of the template's file."""
    return {
        **_identity(template, name, content),
        "verdict": proof.verdict,
        "assumptions": list(ASSUMPTIONS),
        "left_out": [LEFT_OUT] if proof.quick else [],
        "not_covered": proof.not_covered,
        "counterexample": None if proof.counterexample is None else proof.counterexample.as_json(),
        "entries": {_place(entry): _entry(entry, proof) for entry in template.entries},
        "pairs": _pairs(template, proof),
        "examples": [_example(example, found) for example, found in proof.examples],
        "without_policy": reasons_without_policy(proof),
    }


def certificate_file(found: Mapping[str, object]) -> bytes:
    """The file of a certificate: one value a line, so that two certificates are easy to compare."""
    return (json.dumps(found, indent=1) + "\n").encode()


def certificate_hash(found: Mapping[str, object]) -> str:
    """The SHA-256 of a certificate's file, as `sha256sum` prints it."""
    return _sha256(certificate_file(found))


def is_current(found: Mapping[str, object], template: PolicyTemplate, *, name: str, content: bytes) -> bool:
    """Whether a certificate is about this template, and was made by this compiler and prover."""
    return {key: found.get(key) for key in ("certificate", "template", "compiler", "prover")} == _identity(
        template, name, content
    )


def _identity(template: PolicyTemplate, name: str, content: bytes) -> dict[str, object]:
    """What a certificate is about, and what made it."""
    return {
        "certificate": VERSION,
        "template": {"name": name, "sha256": _sha256(content), "topic_prefix": template.topic_prefix},
        "compiler": _hash_of(path for path in _PROOFS.parent.rglob("*.py") if _PROOFS not in path.parents),
        "prover": _hash_of(_PROOFS.rglob("*.py")),
    }


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _hash_of(paths: Iterable[Path]) -> str:
    """The hash of some source files. It does not depend on their folder."""
    lines = [f"{path.relative_to(_PROOFS.parent).as_posix()} {_sha256(path.read_bytes())}" for path in sorted(paths)]
    return _sha256("\n".join(lines).encode())


def _place(entry: Entry) -> str:
    return key_of(entry.location)


def _entry(entry: Entry, proof: Proof) -> dict[str, object]:
    found = proof.rendered.get(entry, {})
    actions = {
        action: {"allow": [*map(text_of, resources.allowed)], "deny": [*map(text_of, resources.denied)]}
        for action, resources in found.items()
    }
    return {"text": entry.text, "actions": actions}


def _pairs(template: PolicyTemplate, proof: Proof) -> dict[str, dict[str, dict[str, object]]]:
    meetings: dict[tuple[Action, Entry, Entry], list[Meeting]] = {}
    for each in proof.meetings:
        meetings.setdefault((each.action, each.denying, each.reached), []).append(each)
    found: dict[str, dict[str, dict[str, object]]] = {}
    entries = [entry for entry in template.entries if entry.effect == "Allow" and entry in proof.rendered]
    for denying in entries:
        for action, resources in proof.rendered[denying].items():
            if resources.denied:
                found.setdefault(action, {})[_place(denying)] = {
                    _place(reached): _reason(meetings.get((action, denying, reached), []))
                    for reached in entries
                    if action in proof.rendered[reached]
                }
    return found


def _reason(meetings: Iterable[Meeting]) -> object:
    cases = [
        {
            "denial": text_of(each.denial),
            "values": [[variable.name, show(text)] for variable, text in each.values.items()],
            "inside": None if each.inside is None else _place(each.inside),
        }
        for each in meetings
    ]
    return cases or "apart"


def _example(example: ExamplePrincipal, found: Policy | str) -> dict[str, object]:
    principal, client_id = example
    asked = {"principal": principal.name, "claims": principal.claims, "client_id": client_id}
    return {**asked, **_answer(found)}


def _answer(found: Policy | str) -> dict[str, str]:
    if isinstance(found, str):
        return {"refused": found}
    try:
        return {"documents": _sha256(compact(found.documents(EXAMPLE_PLACE)).encode())}
    except PolicyTooLarge as error:
        return {"refused": error.reason}
