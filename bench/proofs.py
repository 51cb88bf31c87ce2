"""Proofs: how long they take for the ready templates, and for more and more grants."""

import time

from iot_policies import Grant, PolicyTemplate
from iot_policies.proofs import prove

READY = ("broadcast", "chat", "fleet", "public")
GRANTS = (10, 20, 50)


def report() -> None:
    """Prints the seconds of each proof, with its example principals and compared policies."""
    for name in READY:
        _line(name, PolicyTemplate.load(f"policies/{name}.toml"), "at most 0.50")
    for number in GRANTS:
        _line(f"{number} grants of four entries", _with_grants(number), "at most 30.00 for 50" if number == 50 else "")
    print()


def _line(name: str, template: PolicyTemplate, bound: str) -> None:
    started = time.perf_counter()
    proof = prove(template)
    seconds = time.perf_counter() - started
    limit = f"   ({bound})" if bound else ""
    print(f"proofs    {name}: {proof.verdict}, {len(proof.examples)} examples, {proof.comparisons} comparisons")
    print(f"          {seconds:.2f} s{limit}")


def _with_grants(number: int) -> PolicyTemplate:
    return PolicyTemplate.of([_grant(f"area{index}") for index in range(number)])


def _grant(area: str) -> Grant:
    return Grant(
        when={"role": area},
        connect=(f"{area}/{{principal}}/*",),
        publish=(f"{area}/{{claims.rooms}}/say/{{principal}}", f"orders-{area}/+/state"),
        subscribe=(f"{area}/{{claims.rooms}}/#",),
    )
