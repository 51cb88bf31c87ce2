"""The dates of the configured authorizer."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from iot_core.authorizers.registry import Authorizers
from iot_core.authorizers.rules import AuthorizerDescription

Put = Callable[..., AuthorizerDescription]


@pytest.fixture
def put(tmp_path: Path) -> Put:
    """Puts the configuration's authorizer into force, as it was read at a time; gives what is described then."""
    authorizers = Authorizers(tmp_path)

    def put(time: float, name: str = "chat", token_key_name: str = "token") -> AuthorizerDescription:
        described = AuthorizerDescription(
            name=name,
            function_arn="arn:aws:lambda:us-east-1:123456789012:function:authorizer",
            token_key_name=token_key_name,
            status="ACTIVE",
            signing_disabled=True,
            creation_date=time,
            last_modified_date=time,
        )
        authorizers.put_configured(described)
        return authorizers.describe(name)

    return put


def test_a_reload_that_changes_nothing_of_it_changes_no_date(put: Put) -> None:
    first = put(1.0)
    assert put(2.0) == first


def test_a_reload_that_changes_it_leaves_the_creation_date(put: Put) -> None:
    first = put(1.0)
    changed = replace(first, token_key_name="session", last_modified_date=2.0)
    assert put(2.0, token_key_name="session") == changed


def test_another_name_is_another_authorizer(put: Put) -> None:
    put(1.0)
    assert put(2.0, name="other").creation_date == 2.0
