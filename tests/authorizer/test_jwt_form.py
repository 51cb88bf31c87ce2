"""Tokens with a right signature that RFC 7515 and RFC 7519 forbid."""

import json
from pathlib import Path

import pytest

from iot_authorizer import Reason
from iot_authorizer.tokens import LONGEST_TOKEN
from iot_identities.strict_json import MOST_LEVELS
from tests.authorizer.events import SDK, Event, bearer, event
from tests.authorizer.handlers import Running, jwt_table, start
from tests.authorizer.key_server import key_server
from tests.authorizer.keys import signing_key
from tests.authorizer.tokens import claims, cut, encode, header, mint, not_canonical, with_header, with_payload

HEADER = json.dumps(header(signing_key("RS256"))).encode()
PAYLOAD = json.dumps(claims()).encode()


def inside(outer: bytes, more: str) -> bytes:
    """A JSON object with one more member, as text."""
    return outer.removesuffix(b"}") + b", " + more.encode() + b"}"


HEADERS = {
    "jku": ('"jku": "https://evil.example/keys"', Reason.KEY_IN_HEADER),
    "x5u": ('"x5u": "https://evil.example/key"', Reason.KEY_IN_HEADER),
    "jwk": (f'"jwk": {json.dumps(signing_key("RS256").jwk())}', Reason.KEY_IN_HEADER),
    "x5c": ('"x5c": ["MIIB"]', Reason.KEY_IN_HEADER),
    "jku-null": ('"jku": null', Reason.KEY_IN_HEADER),
    "crit": ('"crit": ["exp"], "exp": 1', Reason.CRITICAL_HEADER),
    "crit-empty": ('"crit": []', Reason.CRITICAL_HEADER),
    "crit-b64": ('"crit": ["b64"], "b64": false', Reason.CRITICAL_HEADER),
    "b64": ('"b64": false', Reason.MALFORMED_TOKEN),
    "alg-twice": ('"alg": "none"', Reason.DUPLICATE_KEY),
    "alg-twice-the-same": ('"alg": "RS256"', Reason.DUPLICATE_KEY),
    "alg-twice-escaped": ('"\\u0061lg": "none"', Reason.DUPLICATE_KEY),
    "nested-twice": ('"x": {"y": 1, "y": 2}', Reason.DUPLICATE_KEY),
    "nan": ('"x": NaN', Reason.MALFORMED_TOKEN),
}


@pytest.mark.parametrize(("more", "reason"), HEADERS.values(), ids=HEADERS)
def test_a_header_with_what_must_not_be_there_is_refused(authorizer: Running, more: str, reason: Reason) -> None:
    assert authorizer.verdict(bearer(with_header(inside(HEADER, more)))) == reason


WRONG_HEADERS = {
    "kid-number": {"kid": 5},
    "kid-list": {"kid": ["main-RS256"]},
    "typ-number": {"typ": 5},
    "alg-null": {"alg": None},
    "alg-list": {"alg": ["RS256"]},
    "alg-missing": {"alg": ...},
    "kid-null": {"kid": None},
    "typ-null": {"typ": None},
}


@pytest.mark.parametrize("head", WRONG_HEADERS.values(), ids=WRONG_HEADERS)
def test_a_header_with_a_member_of_the_wrong_type_is_refused_and_the_log_names_it(
    authorizer: Running, head: dict[str, object]
) -> None:
    line = authorizer(bearer(mint(head=head))).decision
    assert (line["reason"], line["detail"]) == (Reason.MALFORMED_TOKEN, *head)


PAYLOADS = {
    "sub-twice": (inside(PAYLOAD, '"sub": "admin"'), Reason.DUPLICATE_KEY),
    "sub-twice-the-same": (inside(PAYLOAD, '"sub": "ann"'), Reason.DUPLICATE_KEY),
    "nested-twice": (inside(PAYLOAD, '"x": [{"y": {"z": 1, "z": 1}}]'), Reason.DUPLICATE_KEY),
    "nan": (inside(PAYLOAD, '"x": NaN'), Reason.MALFORMED_TOKEN),
    "too-large": (inside(PAYLOAD, '"x": [1e400]'), Reason.MALFORMED_TOKEN),
    "infinity": (inside(PAYLOAD, '"x": [-Infinity]'), Reason.MALFORMED_TOKEN),
    "huge-integer": (inside(PAYLOAD, f'"x": {"9" * 5000}'), Reason.MALFORMED_TOKEN),
    "list": (b"[" + PAYLOAD + b"]", Reason.MALFORMED_TOKEN),
    "text": (b'"sub"', Reason.MALFORMED_TOKEN),
    "null": (b"null", Reason.MALFORMED_TOKEN),
    "nothing": (b"", Reason.MALFORMED_TOKEN),
    "no-json": (b"{sub: ann}", Reason.MALFORMED_TOKEN),
    "two-values": (PAYLOAD + PAYLOAD, Reason.MALFORMED_TOKEN),
    "not-utf-8": (inside(PAYLOAD, '"x": "?"').replace(b"?", b"\xff"), Reason.MALFORMED_TOKEN),
    "utf-16": (PAYLOAD.decode().encode("utf-16"), Reason.MALFORMED_TOKEN),
    "byte-order-mark": (b"\xef\xbb\xbf" + PAYLOAD, Reason.MALFORMED_TOKEN),
}


@pytest.mark.parametrize(("payload", "reason"), PAYLOADS.values(), ids=PAYLOADS)
def test_claims_that_parsers_could_read_differently_are_refused(
    authorizer: Running, payload: bytes, reason: Reason
) -> None:
    assert authorizer.verdict(bearer(with_payload(payload))) == reason


TOKEN = mint()
HEAD, BODY, SIGNATURE = cut(TOKEN)
TEXTS = {
    "one-part": "abc",
    "four-parts": f"{TOKEN}.{SIGNATURE}",
    "jwe": f"{HEAD}.{BODY}.{BODY}.{BODY}.{SIGNATURE}",
    "only-dots": "..",
    "no-header": f".{BODY}.{SIGNATURE}",
    "no-claims": f"{HEAD}..{SIGNATURE}",
    "junk-before": f" {TOKEN}",
    "junk-behind": f"{TOKEN}\n",
    "junk-in-signature": f"{TOKEN}!",
    "no-ascii": f"{TOKEN}é",
    "padded-header": f"{HEAD}{'=' * (-len(HEAD) % 4 or 4)}.{BODY}.{SIGNATURE}",
    "padded-claims": f"{HEAD}.{BODY}{'=' * (-len(BODY) % 4 or 4)}.{SIGNATURE}",
    "padded-signature": f"{HEAD}.{BODY}.{SIGNATURE}==",
    "line-in-header": f"{HEAD[:8]}\n{HEAD[8:]}.{BODY}.{SIGNATURE}",
    "not-canonical-signature": f"{HEAD}.{BODY}.{not_canonical(SIGNATURE)}",
}


@pytest.mark.parametrize("token", TEXTS.values(), ids=TEXTS)
def test_a_text_that_is_not_a_compact_jwt_is_refused(authorizer: Running, token: str) -> None:
    assert authorizer.verdict(event(token=token)) == Reason.MALFORMED_TOKEN


ADVICE = {
    "second-question-mark": (event(user_name=f"ann?token={TOKEN}?{SDK}"), 'a second "?": join parameters with "&"'),
    "line-end": (event(token=f"{TOKEN}\n"), "a line end: remove it"),
    "space": (event(token=f"{TOKEN} "), "a space: remove it"),
    "quotes": (event(token=f'"{TOKEN}"'), "quotes: remove them"),
    "encoded-twice": (event(user_name=f"ann?token={TOKEN.replace('.', '%252E')}"), "percent-encoded: decode it once"),
    "standard-base64": (event(token=f"{HEAD}.{BODY}.{SIGNATURE}+/"), "standard base64: expected base64url"),
    "padding": (event(token=f"{TOKEN}=="), "padding"),
    "parts": (event(token=BODY), "parts"),
    "header": (event(token=f"{BODY[:-1]}.{BODY}.{SIGNATURE}"), "header"),
    "claims": (event(token=f"{HEAD}.{BODY[:-1]}.{SIGNATURE}"), "claims"),
    "signature": (event(token=f"{TOKEN}!"), "signature"),
    "no-ascii": (event(token=f"{TOKEN}\u200b"), "a character that is not ASCII: remove it"),
    "no-unicode": (event(token=f"{TOKEN}\ud800"), "a character that is not ASCII: remove it"),
}


@pytest.mark.parametrize(("sent", "detail"), ADVICE.values(), ids=ADVICE)
def test_the_log_says_what_to_remove_or_which_part_is_malformed(authorizer: Running, sent: Event, detail: str) -> None:
    line = authorizer(sent).decision
    assert (line["reason"], line["detail"]) == (Reason.MALFORMED_TOKEN, detail)


def test_the_alphabet_of_standard_base64_is_refused(authorizer: Running) -> None:
    key = signing_key("RS256")
    payload = encode(json.dumps(claims(x="???>>>~~~"), ensure_ascii=False).encode())
    assert set(payload) & set("-_")
    signed = f"{HEAD}.{payload.replace('-', '+').replace('_', '/')}"
    token = f"{signed}.{encode(key.sign(signed.encode()))}"
    assert authorizer.verdict(event(token=token)) == Reason.MALFORMED_TOKEN


@pytest.mark.parametrize("part", ["header", "claims"])
def test_a_part_that_spells_its_bytes_in_another_way_is_refused(authorizer: Running, part: str) -> None:
    key = signing_key("RS256")
    head, body = (encode(each + b" " * ((1 - len(each)) % 3)) for each in (HEADER, PAYLOAD))
    signed = f"{not_canonical(head)}.{body}" if part == "header" else f"{head}.{not_canonical(body)}"
    token = f"{signed}.{encode(key.sign(signed.encode()))}"
    assert authorizer.verdict(event(token=token)) == Reason.MALFORMED_TOKEN


@pytest.mark.parametrize(
    ("depth", "verdict"),
    [(MOST_LEVELS - 1, "allowed"), (MOST_LEVELS, Reason.MALFORMED_TOKEN), (2400, Reason.MALFORMED_TOKEN)],
)
def test_json_is_nested_up_to_a_limit(authorizer: Running, depth: int, verdict: str) -> None:
    deep = with_payload(inside(PAYLOAD, f'"x": {"[" * depth}{"]" * depth}'))
    assert authorizer.verdict(bearer(deep)) == verdict


def test_spaces_in_the_json_are_no_matter(authorizer: Running) -> None:
    assert authorizer.verdict(bearer(with_payload(b" \n" + PAYLOAD + b"\t "))) == "allowed"


def _long(size: int) -> str:
    """A valid token of this many characters, or a few less."""
    room = size - len(mint(pad=""))
    return mint(pad="x" * (room * 3 // 4 - 2))


def test_a_token_as_long_as_the_limit_is_allowed_and_a_longer_one_refused(authorizer: Running) -> None:
    token = _long(LONGEST_TOKEN)
    assert LONGEST_TOKEN - 8 < len(token) <= LONGEST_TOKEN
    verdicts = [authorizer.verdict(bearer(each)) for each in (token, _long(LONGEST_TOKEN + 16))]
    assert verdicts == ["allowed", Reason.TOKEN_TOO_LONG]


@pytest.mark.parametrize("name", ["jku", "jwk", "x5u", "x5c", "x5t", "x5t#S256"])
def test_a_key_in_a_header_that_is_configured_to_be_ignored_is_not_used(tmp_path: Path, name: str) -> None:
    running = start(tmp_path, jwt_table(ignore_header=[name]))
    forger = signing_key("RS256", "forger")
    with key_server() as server:
        value = forger.jwk() if name == "jwk" else server.url
        head = {name: value, "kid": "main-RS256"}
        verdicts = [running.verdict(bearer(mint(key, head=head))) for key in (signing_key("RS256"), forger)]
        assert (verdicts, server.paths) == (["allowed", Reason.BAD_SIGNATURE], [])


def test_what_is_not_configured_to_be_ignored_is_refused(tmp_path: Path) -> None:
    running = start(tmp_path, jwt_table(ignore_header=["jku"]))
    line = running(bearer(mint(head={"jku": "https://a.example/", "x5u": "https://a.example/"}))).decision
    assert (line["reason"], line["detail"]) == (Reason.KEY_IN_HEADER, "x5u")


def test_critical_parameters_are_refused_even_if_they_are_configured_to_be_ignored(tmp_path: Path) -> None:
    running = start(tmp_path, jwt_table(ignore_header=["jku"]))
    token = mint(head={"jku": "https://a.example/", "crit": ["jku"]})
    assert running.verdict(bearer(token)) == Reason.CRITICAL_HEADER


def test_a_refused_header_is_refused_again(authorizer: Running) -> None:
    token = mint(head={"jku": "https://evil.example/keys"})
    assert [authorizer.verdict(bearer(token)) for _ in range(2)] == [Reason.KEY_IN_HEADER] * 2
