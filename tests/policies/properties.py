"""How hard the properties are tried."""

from hypothesis import HealthCheck, settings

thorough = settings(
    max_examples=2000,
    deadline=None,
    # A slow or busy machine must not fail a test.
    suppress_health_check=[HealthCheck.too_slow],
)
