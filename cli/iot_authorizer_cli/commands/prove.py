"""`iot-authorizer prove`: whether the policies of a template are exactly its entries, for every principal."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from iot_authorizer_cli import options
from iot_authorizer_cli.progress import finish
from iot_core.whole_file import write_whole
from iot_policies.errors import printable
from iot_policies.packing import compact
from iot_policies.proofs.certificate import certificate as certificate_of
from iot_policies.proofs.certificate import certificate_file
from iot_policies.proofs.prover import LEFT_OUT, Proof, Verdict, proving, reasons_without_policy
from iot_policies.proofs.target_prover import proving_target
from iot_policies.proofs.targets import COGNITO_ROLE, SESSION_POLICY, PolicyTarget
from iot_policies.toml_file import read_file

_EXIT_CODES: dict[Verdict, int] = {"proved": 0, "partly proved": 0, "different": 1, "not covered": 3}
_HEADINGS: dict[Verdict, str] = {
    "proved": "proved for every principal that gets a policy",
    "partly proved": "partly proved: each entry, and each pair of entries",
    "different": "not proved: a policy differs from the template",
    "not covered": "not covered: no difference was found, but not everything could be decided",
}


_TARGETS = {options.Rendering.SESSION_POLICY: SESSION_POLICY, options.Rendering.COGNITO_ROLE: COGNITO_ROLE}


def prove(
    policies: Annotated[list[Path], typer.Argument(metavar="POLICY", help="Policy templates.")],
    quick: Annotated[bool, typer.Option("--quick", help="Do not compare real policies of example principals.")] = False,
    certificate: Annotated[
        Path | None,
        typer.Option(
            "--certificate", metavar="FILE", help="Write the proof of one template into this file, for `check`."
        ),
    ] = None,
    rendering: Annotated[
        options.Rendering,
        typer.Option(
            "--as",
            metavar="TARGET",
            help="documents: for a custom authorizer. session-policy: for temporary credentials with one client ID. "
            "cognito-role: for the role of a Cognito identity pool's guests. As in `render`.",
        ),
    ] = options.Rendering.DOCUMENTS,
    topic_prefix: options.TopicPrefix = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, one object for each template.")] = False,
) -> None:
    """Prove that a template's policies allow exactly its entries.

    The proof is about every principal, with any name and any claims. With --as it is also about the policy of another
    target. If it fails, prints the principal, the topic and the entries.

    Exits with 0 for proved, with 1 if a policy differs, with 3 if something cannot be decided.
    """
    policies = options.templates(policies)
    if certificate is not None and len(policies) > 1:
        raise typer.BadParameter("expected one template", param_hint="--certificate")
    target = _TARGETS.get(rendering)
    if target is not None and (quick or certificate is not None):
        option, why = ("--quick", "compares real policies") if quick else ("--certificate", "has no certificate")
        raise typer.BadParameter(f"only for documents: a proof with --as {rendering} {why}", param_hint=option)
    codes = set()
    for path in policies:
        template = options.load_template(path, topic_prefix)
        steps = proving(template, quick=quick) if target is None else proving_target(template, target)
        proof = finish(f"{path}", steps)
        if certificate is not None:
            found = certificate_of(template, proof, name=path.as_posix(), content=read_file(path))
            write_whole(certificate, certificate_file(found))
        codes.add(_EXIT_CODES[proof.verdict])
        shown = [compact(_as_json(path, rendering, proof))] if as_json else _lines(path, target, proof)
        for line in shown:
            typer.echo(printable(line))
    raise typer.Exit(next(code for code in (1, 3, 0) if code in codes))


def _lines(path: Path, target: PolicyTarget | None, proof: Proof) -> Iterator[str]:
    heading = _HEADINGS[proof.verdict]
    if target is not None and proof.verdict == "proved":
        heading = f"proved as {target.name} for every principal that gets one"
    yield f"{path}: {heading}"
    if proof.counterexample is not None:
        yield from (f"  {line}" for line in proof.counterexample.lines())
        return
    yield from (f"  {line}" for line in proof.not_covered)
    examples = "" if proof.quick else f", {len(proof.examples)} example principals"
    yield f"  checked: {len(proof.rendered)} entries, {proof.pairs} pairs with a denial{examples}"
    if reasons := reasons_without_policy(proof):
        yield f"  no policy for some of them: {', '.join(f'{reason} {number}' for reason, number in reasons.items())}"
    if proof.quick:
        yield f"  left out: {LEFT_OUT}"


def _as_json(path: Path, rendering: options.Rendering, proof: Proof) -> dict[str, object]:
    found = proof.counterexample
    return {
        "template": str(path),
        "as": rendering,
        "verdict": proof.verdict,
        "entries": len(proof.rendered),
        "pairs": proof.pairs,
        "examples": len(proof.examples),
        "without_policy": reasons_without_policy(proof),
        "not_covered": proof.not_covered,
        "left_out": [LEFT_OUT] if proof.quick else [],
        "counterexample": None if found is None else found.as_json(),
    }
