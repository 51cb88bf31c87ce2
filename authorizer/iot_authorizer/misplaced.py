"""Recognizes credentials that a client sent in a place or a form in which the authorizer does not read them.

A client without credentials can be anonymous. A client that tried to send some must not be: it would get the rights of
a stranger, and its mistake would go unnoticed. So every text that a client chooses on purpose is searched: the query
string with its fragment, and the MQTT user name. The rules do not depend on the place:

1. The text is percent-decoded until nothing is left to decode, and compared without case and punctuation.
2. `?`, `&`, `;` and `#` begin a part, so HTML's `&amp;` does too. A whole part is a name, and so is what is in front
   of `=` or `:` in it.
3. A name looks like a credential if it contains a word such as `token` or `signature`, or if it is the token key name
   or such a word with one typing mistake.
4. A value looks like one if it has a JWT in it, or is one of the `Authorization` header: `basic plan` is none.

A refusal quotes nothing that the client sent: it goes to the log. Other headers, such as cookies, are sent by browsers
by themselves, so they only give a hint. This catches mistakes: an attacker can be anonymous by sending nothing.
"""

import re
from base64 import b64decode
from collections.abc import Mapping
from functools import lru_cache
from unicodedata import normalize
from urllib.parse import unquote

from iot_authorizer.tokens import has_jwt
from iot_policies.names import is_misspelled

_WORDS = (
    "token", "password", "passwd", "passphrase", "secret", "signature", "credential", "authorization", "bearer",
    "apikey", "accesskey", "jwt", "jws",
)  # fmt: skip
"""A name that contains one of these looks like a credential's."""
_WHOLE_NAMES = {"auth": "auth", "pass": "pass", "pwd": "pwd", "sig": "sig", "xamzalgorithm": "X-Amz-Algorithm"}
"""Names that look like a credential's only as a whole, each as it is shown."""
_INNOCENT = frozenset({"nexttoken"})
"""The page of a list (API_iotdata_ListRetainedMessages)."""
_SHORTEST_MISSPELLED = 5
"""Characters: a shorter name with one letter changed is likely another word."""
_MOST_DECODED = 8
"""How often a text is percent-decoded. One that is still encoded after that looks like a credential in itself."""
_LONGEST = 8192
"""Characters: a longer text is not searched, and counts as a credential. IoT Core's limit for a query is 4,096."""
_SEPARATORS = re.compile(r"([?&;#])")
_WRONG = (";", "#")
"""The separators behind which no key is read."""
_BETWEEN_WORDS = re.compile(r"[^\w-]")
_BEHIND_NAMES = re.compile(r"[=:]")
_SCHEME = re.compile(
    r"(?:^|[=:])[\s+]*(?:(?:bearer|aws4-[a-z0-9-]+)[\s+]|digest[\s+]+\w+=|negotiate[\s+]+[\w/]{20}"
    r"|basic[\s+]+([a-z0-9/][a-z0-9+/]{2,}))",
    re.IGNORECASE | re.ASCII,
)
"""A value of the `Authorization` header, with its spaces as such or as `+`; the group is what Basic sends."""
_BROWSER_HEADERS = {"cookie": "Cookie", "referer": "Referer", "sec-websocket-protocol": "Sec-WebSocket-Protocol"}
_RANDOM_HEADER = "sec-websocket-key"
"""Random bytes in base64 (RFC 6455, section 4.1): about one key in 800 has `jws` or `jwt` in front of its `==`."""


def find_misplaced(place: str, text: str, key: str) -> str | None:
    """Describes what looks like a credential in a text, where it is and where it belongs; None if nothing does.

    `place` names the text, such as "query string". `key` is the name under which the authorizer looks for a token.
    """
    found = _found_in(text, key)
    return found and f"{place}: {found}; expected `{key}=TOKEN` behind `?` or `&`"


def hint_of(headers: Mapping[str, str], key: str) -> str:
    """What looks like a credential in headers that browsers send by themselves; empty if nothing does."""
    for name, value in headers.items():
        if name.lower() == _RANDOM_HEADER:
            continue
        place = f"{_BROWSER_HEADERS.get(name.lower(), 'another')} header"
        if found := find_misplaced(place, f"{name}={value}", key):
            return found
    return ""


def _found_in(text: str, key: str) -> str | None:
    if len(text) > _LONGEST:
        return f"more than {_LONGEST} characters"
    decoded = _decoded(text)
    split = ["", *_SEPARATORS.split(decoded)]
    for separator, part in zip(split[::2], split[1::2], strict=True):
        *names, value = _BEHIND_NAMES.split(part)
        if not names and separator:
            names, value = [value], ""
        for name in names:
            if word := _resembled(name, key):
                lost = " without a value" if name == key and not value.strip() else ""
                behind = f" behind `{separator}`" if separator in _WRONG else ""
                return f"a key like `{word}`{lost}{behind}"
        if _has_scheme(part):
            return "a value like that of an Authorization header"
    if has_jwt(decoded):
        return "a JWT under another key"
    return "encoded too often" if "%25" in decoded else None


def _has_scheme(part: str) -> bool:
    """Whether a value is one of the `Authorization` header. What Basic sends has a colon (RFC 7617, section 2)."""
    found = _SCHEME.search(part)
    if found is None or found[1] is None:
        return found is not None
    whole = len(found[1]) - (len(found[1]) % 4 == 1)
    return b":" in b64decode(f"{found[1][:whole]}==")


def _decoded(text: str) -> str:
    """The text as the client meant it: percent-decoded, in one Unicode form."""
    for _ in range(_MOST_DECODED):
        before, text = text, unquote(text)
        if before == text:
            break
    return normalize("NFKC", text)


@lru_cache(maxsize=128)
def _resembled(name: str, key: str) -> str | None:
    """The word for a credential that a name resembles; None if it resembles none. Clients share a few names."""
    words = {_plain(key): key, **_WHOLE_NAMES, **{word: word for word in _WORDS}}
    long = [word for word in words if len(word) >= _SHORTEST_MISSPELLED]
    for plain in map(_plain, (name, _BETWEEN_WORDS.split(name)[-1])):  # The last word, as in `a,token`.
        if not plain or plain in _INNOCENT:
            continue
        if plain in words:
            return words[plain]
        if inside := next((word for word in _WORDS if word in plain), None):
            return inside
        if meant := next((word for word in long if is_misspelled(plain, word)), None):
            return words[meant]
    return None


def _plain(name: str) -> str:
    return "".join(filter(str.isalnum, name)).casefold()
