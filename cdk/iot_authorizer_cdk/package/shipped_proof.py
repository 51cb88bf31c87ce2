"""Proves the policy template in a Lambda directory, so that what is deployed is what the template says.

1. The proof is that of `iot-authorizer prove`, with the topic prefix of the function. A difference stops the build.
2. Its certificate is kept beside the directory, as `lambda.proof.json`. It is used again while the template, the
   compiler and the prover have the same hashes. It is trusted as much as the directory: who can change one can change
   the other.
3. A proof takes a bounded time. What is not proved in this time, or not covered, is a warning that names the entries.
4. Without a template, all grants come from code: nothing is proved.
"""

import contextlib
import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from iot_authorizer_cdk.package.configuration import CheckedConfiguration
from iot_authorizer_cdk.properties import InvalidSettings
from iot_policies import PolicyTemplate
from iot_policies.errors import printable
from iot_policies.proofs.bounded import prove_within
from iot_policies.proofs.certificate import certificate, certificate_file, certificate_hash, is_current
from iot_policies.proofs.prover import Proof
from iot_policies.toml_file import read_file

LONGEST_PROOF = 10.0
"""Seconds, after which only a part is proved. The ready templates take less than one."""
_KEPT = ("proved", "partly proved", "not covered")
"""The verdicts that do not stop a build."""
_SHOWN = 8
"""Lines that a warning has at most."""


@dataclass(frozen=True, slots=True)
class ShippedProof:
    """What was proved about the template of a Lambda directory."""

    policy: str
    """The template as the configuration names it."""
    verdict: str
    """`proved`, `partly proved` or `not covered`."""
    sha256: str
    """The hash of the certificate's file."""
    certificate: Path
    """Where the certificate is kept."""
    warning: str | None
    """What was not proved, in one line; None for a whole proof."""

    @property
    def summary(self) -> str:
        """The verdict and the certificate's hash."""
        return f"{self.verdict}, sha256:{self.sha256}"


def certificate_path(directory: Path) -> Path:
    """Where the certificate of a Lambda directory is kept."""
    return directory.with_name(f"{directory.name}.proof.json")


def prove_shipped(
    folder: Path, configuration: CheckedConfiguration, kept: Path, *, seconds: float = LONGEST_PROOF
) -> ShippedProof | None:
    """Proves the template in a folder, or takes the certificate that is kept; None without a template.

    Raises InvalidFile, and InvalidSettings if a policy differs from the template.
    """
    name, prefix = configuration.policy, configuration.topic_prefix
    if name is None:
        return None
    template, content = PolicyTemplate.load(folder / name, prefix), read_file(folder / name)
    command = shlex.join(["iot-authorizer", "prove", name, *(("--topic-prefix", prefix) if prefix else ())])
    found = _read(kept)
    if not is_current(found, template, name=name, content=content) or not _is_usable(found):
        proof = prove_within(template, seconds)
        if proof.counterexample is not None:
            raise _differs(name, proof, command)
        found = certificate(template, proof, name=name, content=content)
        with contextlib.suppress(OSError):  # Then the next build proves it again.
            kept.write_bytes(certificate_file(found))
    return ShippedProof(name, str(found["verdict"]), certificate_hash(found), kept, _warning(name, found, command))


def _read(path: Path) -> Mapping[str, Any]:
    """A certificate; empty if there is none that can be read."""
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _is_usable(found: Mapping[str, Any]) -> bool:
    """Whether a certificate has what a warning needs. Its file may have been changed."""
    texts = [found.get("not_covered"), found.get("left_out")]
    return found.get("verdict") in _KEPT and all(
        isinstance(each, list) and all(isinstance(text, str) for text in each) for each in texts
    )


def _differs(name: str, proof: Proof, command: str) -> InvalidSettings:
    shown = "; ".join(proof.counterexample.lines()) if proof.counterexample else ""
    advice = f"this is a fault of the compiler, not of your template: `{command}` shows it again, for a report"
    return InvalidSettings(printable(f"{name}: the policy differs from the template: {shown}: {advice}"))


def _warning(name: str, found: Mapping[str, Any], command: str) -> str | None:
    """The warning about what a certificate does not prove."""
    lines = found["not_covered"]
    more = [f"and {len(lines) - _SHOWN} more"] if len(lines) > _SHOWN else []
    left_out = [f"left out, because it takes too long: {text}" for text in found["left_out"]]
    shown = [*lines[:_SHOWN], *more, *left_out]
    if not shown:
        return None
    return printable(f"{name}: not proved as a whole: {'; '.join(shown)}: `{command}` shows all of it")
