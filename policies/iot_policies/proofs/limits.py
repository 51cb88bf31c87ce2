"""Names the entries and conditions for which example principals would take too long.

1. Each claim in a topic is tried with two values, so an entry with N claims has 2^N resources, which are compared.
2. A name with N dots is there in 2^N ways: each dot is a part of a name, or leads into an object.
"""

from collections.abc import Iterator

from iot_policies.placeholders import claim_names
from iot_policies.template import PolicyTemplate

MOST_CLAIMS = 5
"""Distinct claims in one entry: with 5, a proof takes about 2 s, with 6 about 10 s."""
MOST_DOTS = 7
"""Dots in the name of a claim."""


def beyond_limits(template: PolicyTemplate) -> Iterator[str]:
    """What is not covered because it would take too long, one line each."""
    deep = set()
    for entry in template.entries:
        names = claim_names(entry.text)
        if len(names) > MOST_CLAIMS:
            yield f"{entry}: has {len(names)} distinct claims, and at most {MOST_CLAIMS} can be tried"
        for name in (*names, *(entry.block.when or {})):
            if name.count(".") > MOST_DOTS and (entry.block_name, name) not in deep:
                deep.add((entry.block_name, name))
                yield f"{entry.block_name}: {name} has {name.count('.')} dots, and at most {MOST_DOTS} can be tried"
