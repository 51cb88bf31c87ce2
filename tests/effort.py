"""How hard generated tests try: `pytest --hypothesis-profile check`, `test` (the default) or `long`.

Examples are counted in one place, so that `make check` is quick and `make test-long` thorough. A property says only how
many times the usual number it takes, and most say nothing.
"""

from collections.abc import Iterable
from itertools import islice

from hypothesis import HealthCheck, settings

EXAMPLES = {"check": 10, "test": 200, "long": 3000}
"""How many examples a property is tried with, by profile."""


def load_profiles() -> None:
    """Registers the profiles and loads `test`; pytest's option loads another one later."""
    for name, number in EXAMPLES.items():
        # A slow or busy machine must not fail a test.
        patience = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
        settings.register_profile(name, max_examples=number, deadline=None, suppress_health_check=patience)
    settings.load_profile("test")


def examples(times: float) -> settings:
    """Settings for a property that takes so many times the profile's number of examples."""
    return settings(max_examples=max(1, round(settings().max_examples * times)))


def sample(cases: Iterable[str], one_in: int) -> list[str]:
    """One of so many cases that take a second each. `make test-long` takes all of them."""
    return list(islice(cases, 0, None, 1 if settings().max_examples >= EXAMPLES["long"] else one_in))
