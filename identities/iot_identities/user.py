"""A user in the table of identities: the item `user#NAME` with passwords and claims."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from iot_identities.passwords import LONGEST_USER_NAME, check_hash
from iot_identities.reading import MalformedItem, flag, sequence, text, whole_number, whole_number_or_none
from iot_identities.strict_json import STRICT
from iot_identities.table import Item

PREFIX = "user#"
CLAIMS = "claims"
"""The attribute that has a user's claims."""
MOST_PASSWORDS = 2
"""Valid at the same time: the new one, and the old one while devices still use it."""
LARGEST_CLAIMS = 64 * 1024
"""Bytes of JSON."""


@dataclass(frozen=True, slots=True)
class StoredPassword:
    """A password's hash. All times in seconds since 1970."""

    hash: str = field(repr=False)
    created_at: int = 0
    expires_at: int | None = None
    """When it expires; None for never."""
    generated: bool = False
    """Whether `users` generated it, with too many random bits to guess."""

    def is_expired(self, now: float) -> bool:
        """Whether it has expired."""
        return self.expires_at is not None and now >= self.expires_at

    def ending(self, at: int) -> "StoredPassword":
        """A copy that expires at this time, or at its own if that is earlier."""
        return replace(self, expires_at=at if self.expires_at is None else min(at, self.expires_at))


@dataclass(frozen=True, slots=True)
class User:
    """A user that signs in with a name and a password, or has only claims. All times in seconds since 1970."""

    name: str
    passwords: tuple[StoredPassword, ...] = ()
    """At most two, the newest first; empty if the user has only claims, for tokens."""
    claims: Mapping[str, object] = field(default_factory=dict)
    disabled: bool = False
    valid_until: int | None = None
    """When the user expires; None for never."""
    created_at: int = 0
    rotated_at: int = 0
    """When the newest password was set."""

    def is_expired(self, now: float) -> bool:
        """Whether the user has expired."""
        return self.valid_until is not None and now >= self.valid_until

    def guessable(self, now: float) -> bool:
        """Whether a person chose one of the valid passwords, or there is no password."""
        return not self.passwords or not all(each.generated for each in self.passwords if not each.is_expired(now))

    def with_password(self, password: StoredPassword, *, keep_until: int | None = None) -> "User":
        """A copy with a new password. With `keep_until`, the newest old password stays valid until then."""
        kept = [before.ending(keep_until) for before in self.passwords[:1] if keep_until is not None]
        return replace(self, passwords=(password, *kept), rotated_at=password.created_at)


def parsed_claims(text: str) -> Mapping[str, object]:
    """Parses claims from a JSON object. Raises ValueError if they are invalid or JSON cannot express them."""
    found = STRICT.decode(text)
    json.dumps(found, ensure_ascii=False, allow_nan=False).encode()
    if not isinstance(found, dict):
        raise ValueError("claims: expected a JSON object")
    return found


def may_be_a_user(name: str) -> bool:
    """Whether a user can have this name: its length fits, and it has no lone surrogates."""
    if not 1 <= len(name) <= LONGEST_USER_NAME:
        return False
    return name.isascii() or not any("\ud800" <= character <= "\udfff" for character in name)


def user_id(name: str) -> str:
    """The ID of a user's item. Raises ValueError for an invalid name."""
    if not may_be_a_user(name):
        raise ValueError(f"expected a user name of 1 to {LONGEST_USER_NAME} characters")
    return PREFIX + name


def written_claims(claims: Mapping[str, object]) -> str:
    """The attribute `claims` of an item. Raises ValueError for claims that are too large or not JSON."""
    written = json.dumps(dict(claims), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    if len(written.encode()) > LARGEST_CLAIMS:
        raise ValueError(f"claims: expected at most {LARGEST_CLAIMS} bytes of JSON")
    return written


def to_item(user: User) -> Item:
    """Turns a user into an item. Raises ValueError for what the table or the Lambda would refuse."""
    return {
        "id": user_id(user.name),
        "passwords": [
            {
                "hash": check_hash(password.hash),
                "created_at": password.created_at,
                "expires_at": password.expires_at,
                "generated": password.generated,
            }
            for password in user.passwords[:MOST_PASSWORDS]
        ],
        CLAIMS: written_claims(user.claims),
        "disabled": user.disabled,
        "valid_until": user.valid_until,
        "created_at": user.created_at,
        "rotated_at": user.rotated_at,
    }


def from_item(item: Item) -> User:
    """Reads the user from an item. Raises MalformedItem."""
    stored = sequence(item, "passwords")
    if len(stored) > MOST_PASSWORDS:
        raise MalformedItem("passwords")
    return User(
        name=text(item, "id").removeprefix(PREFIX),
        passwords=tuple(map(_password, stored)),
        claims=claims_of(item),
        disabled=flag(item, "disabled"),
        valid_until=whole_number_or_none(item, "valid_until"),
        created_at=whole_number(item, "created_at"),
        rotated_at=whole_number(item, "rotated_at"),
    )


def _password(stored: object) -> StoredPassword:
    if not isinstance(stored, dict):
        raise MalformedItem("passwords")
    try:
        encoded = check_hash(text(stored, "hash"))
    except ValueError:
        raise MalformedItem("hash") from None
    return StoredPassword(
        hash=encoded,
        created_at=whole_number(stored, "created_at"),
        expires_at=whole_number_or_none(stored, "expires_at"),
        generated=flag(stored, "generated"),
    )


def claims_of(item: Item) -> Mapping[str, object]:
    """The claims of a user's item. Raises MalformedItem."""
    try:
        return parsed_claims(text(item, CLAIMS))
    except ValueError:
        raise MalformedItem(CLAIMS) from None
