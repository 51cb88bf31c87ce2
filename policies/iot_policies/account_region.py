"""The account and region that ARNs name."""

from typing import NamedTuple

_PARTITIONS = {"cn-": "aws-cn", "us-gov-": "aws-us-gov"}
"""The partition of regions whose names begin so (AWS General Reference, "ARN format"). All others are in `aws`."""


class AccountRegion(NamedTuple):
    """An account in a region, as ARNs name it."""

    region: str
    account: str
    partition: str = "aws"

    def arn_prefix(self, service: str) -> str:
        """What the ARN of everything in it begins with, such as `arn:aws:iot:us-east-1:123456789012:`."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:"


def account_region(region: str, account: str) -> AccountRegion:
    """An account in a region, with the region's partition."""
    found = (partition for prefix, partition in _PARTITIONS.items() if region.startswith(prefix))
    return AccountRegion(region, account, next(found, "aws"))


EXAMPLE_PLACE = AccountRegion("us-east-1", "123456789012")
"""The account and region where none are known."""
LONGEST_PLACE = AccountRegion("us-gov-east-1", "123456789012", "aws-us-gov")
"""The one whose ARNs are the longest of all regions with IoT Core, so that what fits here fits everywhere."""
