"""The account and region of ARNs."""

import pytest

from iot_policies.account_region import account_region


@pytest.mark.parametrize(
    ("region", "prefix"),
    [
        ("eu-west-1", "arn:aws:iot:eu-west-1:123456789012:"),
        ("cn-north-1", "arn:aws-cn:iot:cn-north-1:123456789012:"),
        ("us-gov-west-1", "arn:aws-us-gov:iot:us-gov-west-1:123456789012:"),
    ],
)
def test_an_arn_has_the_partition_of_its_region(region: str, prefix: str) -> None:
    assert account_region(region, "123456789012").arn_prefix("iot") == prefix
