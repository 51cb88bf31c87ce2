"""What AWS charges, as far as its pages say so.

AWS's pricing pages fill most figures in by script, so that copies of them show only those of their worked examples.
What no copy shows is what others read in AWS's price list or on its pages, where several agree; it is marked.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Price:
    """What a unit costs, in tiers."""

    per: int
    """How many units each tier's price is for."""
    tiers: tuple[tuple[int | None, str], ...]
    """Up to how many units a month, and US$; the last has no end."""
    source: str
    """Where it was read, and what could not be."""

    def of(self, quantity: Decimal) -> Decimal:
        """US$ for a month's quantity, unrounded."""
        total, below = Decimal(0), Decimal(0)
        for end, dollars in self.tiers:
            upto = quantity if end is None else min(quantity, Decimal(end))
            total += max(upto - below, Decimal(0)) * Decimal(dollars) / self.per
            below = upto
        return total


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """Of one region."""

    connection_minutes: Price
    messages: Price
    requests: Price
    gb_seconds: Price
    """On arm64."""
    logs: Price
    """By GB."""


PRICES: Mapping[str, Prices] = {
    "us-east-1": Prices(
        connection_minutes=Price(
            per=10**6,
            tiers=((None, "0.08"),),
            source="aws.amazon.com/jp/iot-core/pricing, stored copy, 2026-11-21",
        ),
        messages=Price(
            per=10**6,
            tiers=((10**9, "1.00"), (5 * 10**9, "0.80"), (None, "0.70")),
            source="first tier: examples of aws.amazon.com/iot-core/pricing and aws.amazon.com/greengrass/pricing,"
            " as others copied them on 2026-09-20 and 2026-10-07; the others: not confirmed on a page of AWS",
        ),
        requests=Price(
            per=10**6,
            tiers=((None, "0.20"),),
            source="aws.amazon.com/lambda/pricing, as others copied it on 2026-09-20",
        ),
        gb_seconds=Price(
            per=1,
            tiers=(
                (7_500_000_000, "0.0000133334"),
                (18_750_000_000, "0.0000120001"),
                (None, "0.0000106667"),
            ),
            source="tiers and their discounts: AWS Compute Blog, Introducing tiered pricing for AWS Lambda,"
            " stored copy, 2026-11-21; the price itself: not confirmed on a page of AWS",
        ),
        logs=Price(
            per=1,
            tiers=((10 * 1024, "0.50"), (30 * 1024, "0.25"), (50 * 1024, "0.10"), (None, "0.05")),
            source="not confirmed on a page of AWS",
        ),
    ),
}
"""By region."""
