"""The examples that AWS publishes for Signature Version 4 (its signing test suite, version 4).

Each was signed on 30 August 2015 for a host and a service that only the examples have.
"""

from urllib.parse import quote

import pytest

from iot_core.iam.access_keys import AccessKey, AccessKeys
from iot_core.iam.signing import SentRequest
from iot_core.iam.verifying import SignatureRefused, SignatureVerifier
from tests.clock import Clock
from tests.local.iam.signers import OWNER

DATE = "20150830T123600Z"
KEY = AccessKey("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", OWNER.principal)
SCOPE = "AKIDEXAMPLE/20150830/us-east-1/service/aws4_request"
UNRESERVED = "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
MY = "My-Header1"

EXAMPLES: dict[str, tuple[str, str, str, list[tuple[str, str]], str, str]] = {
    # The method, the path, the query string, further headers, and the signatures in the header and in the URL.
    "vanilla": (
        *("GET", "/", "", []),
        "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
        "e93c787ed7f371d5c6b165c1b38ede9550f4dce4144713e844b25b7192d3865d",
    ),
    "post": (
        *("POST", "/", "", []),
        "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
        "2ce6e6d2e0cf2f9d1b55fafec88cd20574c31dc2e7631979f71ba2310083e95b",
    ),
    "relative-path": (
        *("GET", "/example1/example2/../..", "", []),
        "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
        "e93c787ed7f371d5c6b165c1b38ede9550f4dce4144713e844b25b7192d3865d",
    ),
    "dot-in-path": (
        *("GET", "/./example", "", []),
        "ef75d96142cf21edca26f06005da7988e4f8dc83a165a80865db7089db637ec5",
        "35034b1a0bdd969f346975386daf8aedfd4976573b8348cf4f67eaa41c5857de",
    ),
    "empty-segments": (
        *("GET", "//example//", "", []),
        "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84",
        "c1834e8fb0307243711f0f907f6ab7311ed300d87f13792d7ee4da89ab93e082",
    ),
    "unreserved-path": (
        *("GET", f"/{UNRESERVED}", "", []),
        "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f",
        "95968482db1b9e0fadef6efc1bd24689f77c77d9ef56919c96a28cc92e0d6005",
    ),
    "unreserved-query": (
        *("GET", "/", f"{UNRESERVED}={UNRESERVED}", []),
        "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197",
        "8e76a88a7433637b12778d5592799b29ad21ecd6cf6325051c21d86f0acda2bf",
    ),
    "query-order": (
        *("GET", "/", "Param2=value2&Param1=value1", []),
        "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
        "86012e2c9ad4d77369f5d81c11f75158aae4f895a085212cc6d3f923d300bed5",
    ),
    "query-order-encoded": (
        *("GET", "/", "Param-3=Value3&Param=Value2&%E1%88%B4=Value1", []),
        "371d3713e185cc334048618a97f809c9ffe339c62934c032af5a0e595648fcac",
        "c5f1848ceec943ac2ca68ee720460c23aaae30a2300586597ada94c4a65e4787",
    ),
    "utf8-query": (
        *("GET", "/", "ሴ=bar", []),
        "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04",
        "0bdd809b1519ac4f0c1dc3540e2cc46bd0c7f778eda408b2ebf3b913d21ff600",
    ),
    "repeated-header": (
        *("GET", "/", "", [(MY, "value4"), (MY, "value1"), (MY, "value3"), (MY, "value2")]),
        "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01",
        "313720e71ca6202fdcfa9b20f88de01a4eb0638a83c833b1c184359a4eda864e",
    ),
    "spaces-in-header": (
        *("GET", "/", "", [(MY, " value1"), ("My-Header2", ' "a   b   c"')]),
        "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
        "e7bb0fd515e125e1aec2ecc4c0c17484fb06f6846b927c35e46005dd3df3acd4",
    ),
}


def verifier() -> SignatureVerifier:
    return SignatureVerifier(AccessKeys(KEY, lambda _: None), "us-east-1", Clock(1_440_938_160))


def sent(method: str, path: str, query: str, headers: list[tuple[str, str]]) -> SentRequest:
    everything = [("Host", "example.amazonaws.com"), *headers]
    encoded = tuple((name.lower(), value.encode()) for name, value in everything)
    return SentRequest(method, path.encode(), query.encode(), encoded)


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_signature_in_the_header_is_accepted(name: str) -> None:
    method, path, query, headers, signature, _ = EXAMPLES[name]
    names = ";".join(sorted({"host", "x-amz-date", *(each.lower() for each, _ in headers)}))
    value = f"AWS4-HMAC-SHA256 Credential={SCOPE}, SignedHeaders={names}, Signature={signature}"
    request = sent(method, path, query, [*headers, ("X-Amz-Date", DATE), ("Authorization", value)])
    assert verifier().verify_header(request, ["service"]) is KEY


def signed_url(query: str, names: str, signature: str, token: str = "") -> str:
    parameters = {
        "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
        "X-Amz-Credential": SCOPE,
        "X-Amz-Date": DATE,
        "X-Amz-SignedHeaders": names,
        "X-Amz-Expires": "3600",
        "X-Amz-Signature": signature,
    } | ({"X-Amz-Security-Token": token} if token else {})
    own = "&".join(f"{name}={quote(value, safe='')}" for name, value in parameters.items())
    return f"{query}&{own}" if query else own


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_signature_in_the_url_is_accepted(name: str) -> None:
    method, path, query, headers, _, signature = EXAMPLES[name]
    names = ";".join(sorted({"host", *(each.lower() for each, _ in headers)}))
    request = sent(method, path, signed_url(query, names, signature), headers)
    assert verifier().verify_url(request, ["service"]) is KEY


def test_a_session_token_is_signed_in_the_header_but_not_in_the_url() -> None:
    token = "6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267"
    clock = Clock(1_440_938_160)
    key = AccessKey(KEY.key_id, KEY.secret, KEY.principal, token, clock.now + 1)
    verifier = SignatureVerifier(AccessKeys(OWNER, {token: key}.get), "us-east-1", clock)
    in_header = "07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8"
    in_url = "7ff2b50b376cb4d151970630573d6291dc128cc5c2a12ffb237f73cc53f67b6c"
    names = "host;x-amz-date;x-amz-security-token"
    value = f"AWS4-HMAC-SHA256 Credential={SCOPE}, SignedHeaders={names}, Signature={in_header}"
    headers = [("X-Amz-Date", DATE), ("X-Amz-Security-Token", token), ("Authorization", value)]
    assert verifier.verify_header(sent("GET", "/", "", headers), ["service"]) is key
    with pytest.raises(SignatureRefused, match="X-Amz-Security-Token is signed"):
        verifier.verify_url(sent("GET", "/", signed_url("", "host", in_url, token), []), ["service"])
