"""Errors as boto3 tells them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from botocore.exceptions import ClientError


class Refusal:
    """An error, once the block has ended."""

    def __init__(self) -> None:
        self.answer: dict[str, Any] = {}

    @property
    def code(self) -> str:
        """The exception's name in AWS's models."""
        return str(self.answer["Error"]["Code"])

    @property
    def message(self) -> str:
        """What is wrong."""
        return str(self.answer["Error"]["Message"])

    @property
    def status(self) -> int:
        """The HTTP status."""
        return int(self.answer["ResponseMetadata"]["HTTPStatusCode"])


@contextmanager
def refused(code: str, status: int) -> Iterator[Refusal]:
    """Expects an error of this type and status."""
    refusal = Refusal()
    with pytest.raises(ClientError) as caught:
        yield refusal
    refusal.answer = dict(caught.value.response)
    assert (refusal.code, refusal.status) == (code, status), refusal.message
