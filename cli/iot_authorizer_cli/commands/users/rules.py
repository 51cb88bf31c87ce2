"""Rules for passwords, claims and times. Each raises ValueError with a sentence.

The sentence never quotes the value: a user may confuse fields, so any of them could hold a password.
"""

import re
import secrets
from collections.abc import Mapping
from datetime import UTC, date, datetime

from iot_authorizer.tokens import token_in
from iot_identities.passwords import LONGEST_PASSWORD
from iot_identities.strict_json import DuplicateKey
from iot_identities.user import LARGEST_CLAIMS, parsed_claims, written_claims

SHORTEST_CHOSEN = 8
"""Characters: NIST SP 800-63B, section 5.1.1.1."""
SHORTEST_GENERATED = 16
"""Characters. As hexadecimal digits they are 64 bits, too many to guess over a network."""
_RANDOM_BYTES = 24
_TIME = 'expected a date, as "2027-12-31", a time with its zone, as "2027-12-31T18:00:00Z", or seconds since 1970'


def check_chosen(password: bytes, name: str) -> None:
    """Checks a password that a person chose."""
    if not 1 <= len(password) <= LONGEST_PASSWORD:
        raise ValueError(f"expected a password of 1 to {LONGEST_PASSWORD} bytes")
    text = password.decode(errors="replace")
    if len(text) < SHORTEST_CHOSEN:
        raise ValueError(f"a password has at least {SHORTEST_CHOSEN} characters")
    if text.casefold() == name.casefold():
        raise ValueError("a password must not be the user name")
    if token_in(password) is not None:
        raise ValueError("a password must not look like a token, which is three parts separated by dots")


def made_password() -> str:
    """Generates a password of 192 random bits."""
    return secrets.token_urlsafe(_RANDOM_BYTES)


def checked_claims(text: str) -> Mapping[str, object]:
    """Reads claims from a JSON object."""
    try:
        found = parsed_claims(text)
        written_claims(found)
        return found
    except DuplicateKey:
        raise ValueError("duplicate key in a JSON object") from None
    except ValueError:
        pass
    raise ValueError(f'expected a JSON object of at most {LARGEST_CLAIMS} bytes, as in \'{{"role": "device"}}\'')


def parsed_time(text: str) -> int:
    """Reads a time, in seconds since 1970. A date means its first moment, in UTC."""
    if re.fullmatch(r"\d{9,11}", text, re.ASCII):
        return int(text)
    try:
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII):
            day = date.fromisoformat(text)
            return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise ValueError(_TIME)
    return int(moment.timestamp())


def parsed_flag(text: str) -> bool:
    """Reads true or false, as spreadsheets write them."""
    try:
        return {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}[text.lower()]
    except KeyError:
        raise ValueError("expected true or false") from None
