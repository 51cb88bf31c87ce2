"""docs/reference/log-and-reason-codes.md has each text of a refused signature, and no other."""

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache

import pytest

from iot_core.iam.signing import CanonicalRequest, Scope, SentRequest, sha256, signature
from iot_core.iam.verifying import SignatureRefused
from tests import ROOT
from tests.local.iam.signers import (
    HOST,
    NOW,
    OWNER,
    REGION,
    SECOND,
    TEMPORARY,
    Signer,
    call,
    stranger,
    upgrade,
    verifier,
)
from tests.local.iam.test_verifying import DATE, MISTAKES, own_url

PAGE = (ROOT / "docs/reference/log-and-reason-codes.md").read_text("utf-8")
SECTION = PAGE.partition("\n### What a refused signature says\n")[2].partition("\n### ")[0]
ROWS = re.findall(r"^\| `(\w+)` \| `(.*?)` \| .+ \|$", SECTION, re.MULTILINE)


def by_header(path: str, payload_hash: str, body: bytes) -> SentRequest:
    """A request whose path and payload hash are signed as the test wants them."""
    headers = (("host", HOST.encode()), ("x-amz-date", DATE.encode()))
    canonical = CanonicalRequest("POST", path, "", headers, payload_hash)
    found = signature(OWNER.secret, Scope(DATE[:8], REGION, "iotdata"), DATE, canonical)
    credential = f"{OWNER.key_id}/{DATE[:8]}/{REGION}/iotdata/aws4_request"
    value = f"AWS4-HMAC-SHA256 Credential={credential},SignedHeaders=host;x-amz-date,Signature={found}"
    return call("POST", "/topics/a%2Fb", {"Host": HOST, "X-Amz-Date": DATE, "Authorization": value}, body=body)


def upgrades() -> Iterator[SentRequest]:
    """One upgrade for each mistake."""
    for signer in (
        Signer(stranger("AKIASTRANGER")),
        Signer(stranger("ASIASTRANGER", "token")),
        Signer(replace(OWNER, session_token="stale")),
        Signer(replace(TEMPORARY, session_token=None)),
        Signer(replace(TEMPORARY, session_token=SECOND.session_token)),
        Signer(replace(OWNER, secret="wrong")),
        Signer(region="eu-west-2"),
        Signer(service="iot"),
        Signer(at=NOW - 301),
        Signer(at=NOW - 16, expires=15),
        Signer(at=NOW + 301),
    ):
        yield upgrade(signer.url())
    yield upgrade(Signer(TEMPORARY).url(with_token=True))
    yield upgrade(Signer().url(), **{"x-amz-customauthorizer-name": "chat"})
    for query, _ in MISTAKES.values():
        yield upgrade(query)
    first, *others = own_url().rpartition("&X-Amz-Signature=")[0].split("&")
    unsorted = "&".join([*others, first])
    yield upgrade(f"{unsorted}&X-Amz-Signature={own_url(query=unsorted).rpartition('=')[2]}")


@cache
def refusals() -> frozenset[tuple[str, str]]:
    """The reason code and the detail of each mistake."""
    found = set()
    checked = verifier(NOW, TEMPORARY, SECOND)
    for request in upgrades():
        with pytest.raises(SignatureRefused) as caught:
            checked.verify_upgrade(request)
        found.add((str(caught.value.reason), caught.value.detail))
    with pytest.raises(SignatureRefused) as caught:
        verifier(NOW + 3600, TEMPORARY).verify_upgrade(upgrade(Signer(TEMPORARY, at=NOW + 3600).url()))
    found.add((str(caught.value.reason), caught.value.detail))
    for request in (by_header("/topics/a%2Fb", sha256(b"x"), b"x"), by_header("/topics/a%252Fb", sha256(b""), b"x")):
        with pytest.raises(SignatureRefused) as caught:
            checked.verify_header(request, ["iotdata"])
        found.add((str(caught.value.reason), caught.value.detail))
    return frozenset(found)


def fits(row: tuple[str, str], refusal: tuple[str, str]) -> bool:
    """Whether a row has this reason code and this text, or the first of its texts; `…` is any text."""
    pattern = ".*".join(map(re.escape, row[1].split("…")))
    return row[0] == refusal[0] and re.fullmatch(f"{pattern}(; .*)?", refusal[1]) is not None


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[1])
def test_each_text_of_the_reference_is_that_of_a_refusal(row: tuple[str, str]) -> None:
    assert any(fits(row, refusal) for refusal in refusals())


def test_each_refusal_has_its_text_in_the_reference() -> None:
    assert {refusal for refusal in refusals() if not any(fits(row, refusal) for row in ROWS)} == set()
