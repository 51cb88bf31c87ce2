"""The stored claims of users, for services that change them: which rooms a user is in, or which role it has.

1. It needs no authorizer.toml and no variable of the Lambda: only the table and the policy template.
2. Claims are checked before they are stored, as the authorizer will check them when the user connects: they are JSON,
   and the template can put them into topics and into at most 10 documents. The claims of the user's token, which the
   authorizer adds, are not known here. That no grant applies is no mistake: the user may then do nothing.
3. Two services that change a user at the same time do not lose each other's changes (`iot_identities.users`).
4. A change does not reach clients that are connected: their policies are made again at the next refresh, or when they
   connect again.
"""

import json
import os
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from iot_identities.backends import open_named
from iot_identities.strict_json import DuplicateKey
from iot_identities.user import LARGEST_CLAIMS, User, parsed_claims, to_item
from iot_identities.users import change_claims, read_claims
from iot_policies import AccountRegion, Claims, NothingGranted, PolicyError, PolicyTemplate, Principal, compile_policy
from iot_policies.account_region import EXAMPLE_PLACE, LONGEST_PLACE, account_region
from iot_policies.names import name_problem
from iot_policies.placeholders import LONGEST_VALUE, UNSAFE_SIGNS, is_safe


class InvalidClaims(ValueError):
    """Claims that the table cannot store or the authorizer would refuse. The text names a claim, never a value."""


class UserClaims:
    """The claims that a table stores for each user.

    ```python
    users = UserClaims("identities", PolicyTemplate.load("policies/chat.toml"))
    users.change("ann", lambda claims: {**claims, "rooms": ["lobby", "attic"]})
    ```
    """

    def __init__(self, table: str | Path, template: PolicyTemplate | None) -> None:
        """`table` is the name or the ARN of a table in DynamoDB, or the file of the development table.

        A text with a slash that is not an ARN is a file, too. `template` is the authorizer's; None if all its grants
        come from code of your own, so that only JSON is checked. Threads may share an instance. Raises
        FileNotFoundError, TableUnavailable without a region, and ModuleNotFoundError without botocore.
        """
        self._table = open_named(table)
        self._template = template

    def read(self, name: str) -> Claims:
        """A user's claims. Raises UnknownUser, MalformedItem and TableUnavailable."""
        return read_claims(self._table, name)

    def replace(self, name: str, claims: Claims, *, add_missing: bool = False) -> Claims:
        """Replaces all claims of a user. As `change` otherwise."""
        return self.change(name, lambda _: claims, add_missing=add_missing)

    def change(self, name: str, how: Callable[[Claims], Claims], *, add_missing: bool = False) -> Claims:
        """Changes a user's claims, and returns them as they are stored.

        `how` gets the claims and returns the changed ones. It may be called several times. A user that the table does
        not have raises UnknownUser, unless `add_missing`: then it is added without a password, for tokens whose issuer
        has `stored_claims`. Raises InvalidClaims, ValueError for an invalid name, ItemKeepsChanging, MalformedItem and
        TableUnavailable; nothing is stored then.
        """
        now = int(time.time())
        new = User(check_user_name(name), created_at=now, rotated_at=now) if add_missing else None
        return change_claims(self._table, name, lambda claims: check_claims(name, how(claims), self._template), new=new)


def check_claims(name: str, claims: Claims, template: PolicyTemplate | None) -> Claims:
    """Returns a user's claims as JSON has them. Raises InvalidClaims for those that the authorizer would refuse."""
    found = _as_json(claims)
    if template is None:
        return found
    try:
        with suppress(NothingGranted):
            compile_policy(template, Principal(name, found)).documents(_here())
    except PolicyError as error:
        raise InvalidClaims(f"the authorizer would refuse these claims ({error.reason}): {error}") from None
    return found


def check_user_name(name: str) -> str:
    """Returns a user name that every template can put into a topic. Raises ValueError, which never quotes it."""
    if not name:
        raise ValueError("a user name has at least one character")
    if (problem := name_problem(name)) is not None:
        raise ValueError(f"a user name {problem}: the authorizer refuses such names")
    if not is_safe(name):
        signs = " ".join(UNSAFE_SIGNS)
        expected = f"at most {LONGEST_VALUE} bytes, none of {signs}"
        raise ValueError(f"a user name is one level of a topic: {expected}")
    return name


def _as_json(claims: object) -> Claims:
    if not isinstance(claims, Mapping):
        raise InvalidClaims(f"expected claims, as in {{'rooms': ['lobby']}}, found {type(claims).__name__}")
    try:
        found = parsed_claims(json.dumps(dict(claims), allow_nan=False))
        to_item(User("any", claims=found))
    except DuplicateKey:
        raise InvalidClaims("two keys of an object are the same text in JSON") from None
    except (TypeError, ValueError, RecursionError):
        expected = "texts, finite numbers, booleans, None, lists and dicts of them"
        raise InvalidClaims(f"expected what JSON has: {expected}, at most {LARGEST_CLAIMS} bytes") from None
    return found


def _here() -> AccountRegion:
    """The region of this process, whose name is in each ARN; the one with the longest name if it is not known."""
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    return account_region(region, EXAMPLE_PLACE.account) if region else LONGEST_PLACE
