"""Finds out why a signature does not match: which common mistake would have made it.

1. The request is signed again as clients do it wrongly: with another form of its host, of its query string, of its path
   or of its payload's hash, alone and together.
2. If one of these signatures is the presented one, the client has the right secret, and the mistake is known.
3. If none is, the secret is wrong, or the request was changed on its way.
"""

from collections.abc import Iterable, Iterator
from itertools import product
from typing import NamedTuple

from iot_core.iam.presenting import NOT_SIGNED, TOKEN, PresentedSignature
from iot_core.iam.signing import CanonicalRequest, SentRequest, canonical_query, encoded, sha256, signature

_UNSIGNED = "UNSIGNED-PAYLOAD"
_MOST_MISTAKES = 2
"""Mistakes that are tried together."""


class _Form(NamedTuple):
    """One form of a part of the canonical request."""

    value: str
    mistake: str = ""
    """What the client did wrong; empty for the correct form."""


def find_mistake(request: SentRequest, presented: PresentedSignature, secret: str) -> str:
    """Says why a request's signature does not match."""
    right = presented.canonical(request)
    forms = (_hosts(request), _queries(request, presented, right), _paths(request, right), _payloads(request))
    for each in sorted(product(*map(list, forms)), key=_count):
        if _count(each) > _MOST_MISTAKES:
            break
        host, query, path, payload = (form.value for form in each)
        headers = tuple((name, host.encode() if name == "host" else value) for name, value in right.headers)
        candidate = right._replace(path=path, query=query, headers=headers, payload_hash=payload)
        if signature(secret, presented.scope, presented.date, candidate) == presented.signature:
            return "; ".join(form.mistake for form in each if form.mistake)
    return (
        "the secret access key is not the one of this key, or the request differs from the signed one: its host, "
        "path, query string, signed headers or body"
    )


def _count(forms: Iterable[_Form]) -> int:
    return sum(bool(form.mistake) for form in forms)


def _hosts(request: SentRequest) -> Iterator[_Form]:
    sent = (request.header("host") or b"").decode("latin-1")
    yield _Form(sent)
    name, colon, port = sent.rpartition(":")
    bare = name if colon and port.isdigit() else sent
    label, dot, rest = bare.partition(".")
    found = {sent}
    for each in (bare, bare.lower(), bare.upper(), bare.capitalize(), f"{label.upper()}{dot}{rest}"):
        for suffix in ("", f":{port}" if bare != sent else ":443"):
            if (host := each + suffix) not in found:
                found.add(host)
                yield _Form(host, f"the signature is for the host {host}, and the request was sent to {sent}")


def _queries(request: SentRequest, presented: PresentedSignature, right: CanonicalRequest) -> Iterator[_Form]:
    yield _Form(right.query)
    if not presented.in_url:
        return
    sent = request.parameters()
    signed = [pair for pair in sent if pair[0] != b"X-Amz-Signature"]
    if presented.session_token is not None:
        mistake = f"{TOKEN} is signed: sign the URL without it, and append it afterwards"
        yield _Form(canonical_query(signed), mistake)
    as_sent = "&".join(f"{encoded(name)}={encoded(value)}" for name, value in sent if name not in NOT_SIGNED)
    if as_sent != right.query:
        yield _Form(as_sent, "the query string is signed in its own order: sort it by name")
    own = [pair for pair in sent if pair[0] not in NOT_SIGNED and pair[0].startswith(b"X-Amz-")]
    if (without := canonical_query(own)) != right.query:
        yield _Form(without, "the query string has parameters that are not signed: add them before you sign")


def _paths(request: SentRequest, right: CanonicalRequest) -> Iterator[_Form]:
    yield _Form(right.path)
    once = request.path.decode("latin-1")
    if once != right.path:
        yield _Form(once, "the path is encoded once in the canonical request: encode it twice")
    if right.path != "/":
        yield _Form("/", f"the signature is for the path /, and the request was sent to {once}")


def _payloads(request: SentRequest) -> Iterator[_Form]:
    right = sha256(request.payload)
    yield _Form(right)
    twice = (
        "the payload's hash is hashed again: give the signer the payload itself, or use version 1.0 to 1.2 of "
        "aws-signature-v4"
    )
    yield _Form(sha256(right.encode()), twice)
    yield _Form(_UNSIGNED, f"the payload's hash is {_UNSIGNED}: expected the SHA-256 of the body")
    if request.payload:
        yield _Form(sha256(b""), "the body is not signed: its hash is that of an empty one")
