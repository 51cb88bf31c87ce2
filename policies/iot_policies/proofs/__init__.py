"""Proofs about templates, for every principal. The command line and `build` use them; the Lambda has none of this.

template = PolicyTemplate.load("policies/chat.toml")
proof = prove(template)
assert proof.verdict == "proved"
"""

from iot_policies.proofs.prover import Proof, prove

__all__ = ["Proof", "prove"]
