"""The proof of the template in force, in plain words. How the page shows it: `test_policy_panel.py`."""

import asyncio
import threading

import pytest

from iot_authorizer_cli.console.template_proof import TemplateProof, shown
from iot_policies import Deny, Grant, PolicyTemplate
from iot_policies.proofs import Proof, prove
from tests.cli.console.conftest import Ask

OWN = PolicyTemplate.of([Grant(publish=["users/{principal}/outbox"]), Deny(publish=["users/eve/outbox"])])


def test_a_template_is_proved_once_and_another_one_again() -> None:
    other = PolicyTemplate.of([Grant(name="wide", widen=True, publish=["a/+/b/#"])])

    async def verdicts() -> tuple[str, bool, str]:
        proof = TemplateProof()
        first, again = await asyncio.gather(proof.of(OWN), proof.of(OWN))
        return first["verdict"], first is again, (await proof.of(other))["verdict"]

    assert asyncio.run(verdicts()) == ("proved", True, "not covered")


def test_the_event_loop_goes_on_while_a_template_is_proved(monkeypatch: pytest.MonkeyPatch) -> None:
    """The proof waits for something that only the event loop does."""
    released = threading.Event()

    def waiting(*_: object) -> Proof:
        return Proof(not_covered=[] if released.wait(30) else ["the event loop was blocked"])

    monkeypatch.setattr("iot_authorizer_cli.console.template_proof.prove_within", waiting)

    async def release() -> str:
        proving = asyncio.ensure_future(TemplateProof().of(OWN))
        await asyncio.sleep(0)
        asyncio.get_running_loop().call_soon(released.set)
        return (await proving)["verdict"]

    assert asyncio.run(release()) == "proved"


def test_a_difference_is_shown_with_its_example(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = prove(PolicyTemplate.of([Grant(publish=["users/{principal}/outbox"])])).examples[0][1]
    monkeypatch.setattr("iot_policies.proofs.prover.compile_policy", lambda *_: compiled)
    proof = prove(OWN)
    found = shown(proof)
    assert found["verdict"] == "different"
    assert proof.counterexample is not None
    assert found["lines"] == list(proof.counterexample.lines())


def test_of_many_lines_the_first_are_shown() -> None:
    many = PolicyTemplate.of([Grant(name=f"{each}", widen=True, publish=[f"{each}/+/b/#"]) for each in range(23)])
    lines = shown(prove(many, quick=True))["lines"]
    assert (len(lines), lines[-1]) == (21, "and 3 more: run iot-authorizer prove")


def test_the_console_answers_with_the_proof(ask: Ask) -> None:
    found = ask("/console/proof").json
    assert (found["verdict"], found["lines"]) == ("proved", [])
    assert str(found["text"]).startswith("Proved: every principal that gets a policy")
