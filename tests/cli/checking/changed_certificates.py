"""Changes of a certificate of fleet.toml that the checker must find, each with what it says about them."""

from collections.abc import Callable
from typing import Any

Certificate = dict[str, Any]

DENYING, REACHED = "grant[0].publish[1]", "grant[1].publish[0]"


def without_a_pair(of: Certificate) -> None:
    del of["pairs"]["iot:Publish"][DENYING][REACHED]


def without_an_entry(of: Certificate) -> None:
    del of["entries"][REACHED]


def with_a_lost_denial(of: Certificate) -> None:
    of["entries"][DENYING]["actions"]["iot:Publish"]["deny"] = []


def with_other_documents(of: Certificate) -> None:
    of["examples"][0].update(documents="0" * 64)
    of["examples"][0].pop("refused", None)


def with_another_template(of: Certificate) -> None:
    of["template"]["sha256"] = "0" * 64


def of_a_quick_proof(of: Certificate) -> None:
    of["left_out"] = ["example principals"]


def not_proved(of: Certificate) -> None:
    of["verdict"] = "not covered"


def with_a_counterexample(of: Certificate) -> None:
    of["counterexample"] = {}


def of_a_quick_proof_that_says_proved(of: Certificate) -> None:
    of["examples"] = []


def without_assumptions(of: Certificate) -> None:
    of["assumptions"] = []


def of_another_compiler(of: Certificate) -> None:
    of["compiler"] = "0" * 64


def of_another_prover(of: Certificate) -> None:
    of["prover"] = "0" * 64


def without_examples_of_a_block(of: Certificate) -> None:
    of["examples"] = [each for each in of["examples"] if "role" not in each["claims"]]


def with_single_claims_only(of: Certificate) -> None:
    of["examples"] = [each for each in of["examples"] if len(each["claims"]) < 2]


def with_refused_examples_only(of: Certificate) -> None:
    of["examples"] = [each for each in of["examples"] if "refused" in each]


NOT_PROVED = "does not say that the template is proved"
CHANGES: dict[Callable[[Certificate], None], str] = {
    without_a_pair: "the pair is missing for iot:Publish",
    without_an_entry: "other entries than the template",
    with_a_lost_denial: "not rendered in the shape of the lemma",
    with_other_documents: "another policy",
    with_another_template: "its hash differs",
    of_a_quick_proof: NOT_PROVED,
    not_proved: NOT_PROVED,
    with_a_counterexample: NOT_PROVED,
    of_a_quick_proof_that_says_proved: "is in no example principal's policy",
    without_assumptions: "other assumptions",
    of_another_compiler: "the compiler is not the one of the certificate",
    of_another_prover: "the prover is not the one of the certificate",
    without_examples_of_a_block: "is in no example principal's policy",
    with_single_claims_only: "are together in no example principal's policy",
    with_refused_examples_only: "is in no example principal's policy",
}
