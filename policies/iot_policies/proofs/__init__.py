"""Proofs about templates, for every principal. The command line and `build` use them; the Lambda has none of this.

template = PolicyTemplate.load("policies/chat.toml")
proof = prove(template)
assert proof.verdict == "proved"
"""

from iot_policies.proofs.diff import TemplateDiff, diff
from iot_policies.proofs.prover import Proof, prove
from iot_policies.proofs.who_can import WhoCan, who_can

__all__ = ["Proof", "TemplateDiff", "WhoCan", "diff", "prove", "who_can"]
