"""How hard the properties are tried."""

from hypothesis import HealthCheck, settings

# A slow or busy machine must not fail a test.
_patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

thorough = settings(_patient, max_examples=300)

for_each_type = settings(_patient, max_examples=80)
"""For what is tried with every type of packet on its own."""
