"""How hard the properties are tried."""

from tests.effort import examples

thorough = examples(1)

for_each_type = examples(0.25)
"""For what is tried with every type of packet on its own."""
