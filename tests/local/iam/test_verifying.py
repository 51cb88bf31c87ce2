"""Which signed requests are accepted, and which mistake a refusal names."""

import contextlib
import re
import time
from dataclasses import replace
from urllib.parse import parse_qsl, quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iot_core.iam.access_keys import AccessKey
from iot_core.iam.signing import CanonicalRequest, Scope, SentRequest, sha256, signature
from iot_core.iam.verifying import SignatureRefused
from iot_core.reasons import IotCoreReason
from tests.local.iam.signers import HOST, NOW, OWNER, REGION, SECOND, TEMPORARY, Signer, call, upgrade, verifier

DATE = "20260528T202640Z"
SHA256_OF_NOTHING = sha256(b"")
DATA = ["iotdata"]


def refused_url(request: SentRequest, now: float = NOW) -> tuple[str, str]:
    """The reason code and the detail of a refused URL."""
    with pytest.raises(SignatureRefused) as caught:
        verifier(now, TEMPORARY, SECOND).verify_url(request)
    return caught.value.reason, caught.value.detail


def refused_header(request: SentRequest) -> tuple[str, str]:
    with pytest.raises(SignatureRefused) as caught:
        verifier(NOW, TEMPORARY).verify_header(request, DATA)
    return caught.value.reason, caught.value.detail


def own_url(
    *,
    headers: tuple[tuple[str, str], ...] = (("host", HOST),),
    query: str | None = None,
    path: str = "/mqtt",
    payload: str = SHA256_OF_NOTHING,
    expires: str = "",
) -> str:
    """A URL that is signed by hand, with parts of its canonical request as the test wants them."""
    names = ";".join(name for name, _ in headers)
    parameters = {
        "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
        "X-Amz-Credential": f"AKIAOWNER/20260528/{REGION}/iotdata/aws4_request",
        "X-Amz-Date": DATE,
        **({"X-Amz-Expires": expires} if expires else {}),
        "X-Amz-SignedHeaders": names,
    }
    text = urlencode(parameters, quote_via=quote, safe="")
    canonical = CanonicalRequest(
        "GET", path, text if query is None else query, tuple((n, v.encode()) for n, v in headers), payload
    )
    found = signature(OWNER.secret, Scope("20260528", REGION, "iotdata"), DATE, canonical)
    return f"{text}&X-Amz-Signature={found}"


# What the clients of AWS IoT send.


@pytest.mark.parametrize("service", ["iotdevicegateway", "iotdata"])
@pytest.mark.parametrize("host", ["localhost", "localhost:8443", "a1b2c3-ats.iot.eu-west-1.amazonaws.com"])
def test_a_url_is_signed_for_either_service_with_the_host_as_it_is_sent(service: str, host: str) -> None:
    query = Signer(service=service, host=host).url()
    assert verifier().verify_url(upgrade(query, host)) is OWNER


def test_the_connection_header_can_be_signed_too() -> None:
    query = own_url(headers=(("connection", "Upgrade"), ("host", HOST)))
    assert verifier().verify_url(upgrade(query, connection="Upgrade")) is OWNER


@pytest.mark.parametrize("expires", ["", "15", "604800"])
def test_the_time_of_expiry_can_be_left_out_or_be_any(expires: str) -> None:
    assert verifier().verify_url(upgrade(own_url(expires=expires))) is OWNER


def test_the_session_token_can_be_anywhere_in_the_url_since_it_is_not_signed() -> None:
    query = Signer(TEMPORARY).url()
    pieces = query.split("&")
    for index in range(len(pieces)):
        moved = [*pieces[:-1][:index], pieces[-1], *pieces[:-1][index:]]
        assert verifier(NOW, TEMPORARY).verify_url(upgrade("&".join(moved))) is TEMPORARY


def test_a_slash_in_the_session_token_can_stay_as_it_is() -> None:
    query = Signer(TEMPORARY).url().replace("tok%2B%2F", "tok%2B/")
    assert verifier(NOW, TEMPORARY).verify_url(upgrade(query)) is TEMPORARY


def test_the_order_of_the_parameters_on_the_wire_does_not_count() -> None:
    query = "&".join(reversed(Signer().url().split("&")))
    assert verifier().verify_url(upgrade(query)) is OWNER


def test_needless_escapes_do_not_count() -> None:
    query = Signer().url().replace("AWS4-HMAC", "%41WS4%2dHMAC")
    assert verifier().verify_url(upgrade(query)) is OWNER


@pytest.mark.parametrize("topic", ["a", "a%2Fb%20c", "%24aws%2Fthings", "a%252Fb", "%E1%88%B4"])
def test_a_path_is_encoded_twice(topic: str) -> None:
    path, body = f"/topics/{topic}", b"hello"
    headers = Signer(service="iotdata").headers("POST", path, "qos=1", body)
    assert verifier().verify_header(call("POST", path, headers, "qos=1", body), DATA) is OWNER


def test_the_session_token_in_a_header_is_signed() -> None:
    headers = Signer(TEMPORARY, "iotdata").headers("GET", "/retainedMessage")
    assert verifier(NOW, TEMPORARY).verify_header(call("GET", "/retainedMessage", headers), DATA) is TEMPORARY


# When.


@pytest.mark.parametrize(("seconds", "expires"), [(301, 86_400), (-301, 86_400), (16, 15)])
def test_a_url_counts_for_five_minutes_or_as_long_as_it_says_if_that_is_shorter(seconds: int, expires: int) -> None:
    request = upgrade(Signer(expires=expires).url())
    reason, detail = refused_url(request, NOW + seconds)
    assert reason == IotCoreReason.AWS_SIGNATURE_EXPIRED
    assert f"{abs(seconds)} seconds" in detail
    nearer = NOW + seconds - (1 if seconds > 0 else -1)
    assert verifier(nearer).verify_url(request) is OWNER


def test_temporary_credentials_expire() -> None:
    now = NOW + 3600
    request = upgrade(Signer(TEMPORARY, at=now).url())
    assert refused_url(request, now)[0] == IotCoreReason.CREDENTIALS_EXPIRED


# Which mistake.

UNKNOWN = AccessKey("AKIASTRANGER", "secret", OWNER.principal)
WRONG = AccessKey(OWNER.key_id, "another secret", OWNER.principal)
NO_TOKEN = AccessKey(TEMPORARY.key_id, TEMPORARY.secret, OWNER.principal)
STRANGE_TOKEN = AccessKey(TEMPORARY.key_id, TEMPORARY.secret, OWNER.principal, "another")
OTHER_TOKEN = AccessKey(TEMPORARY.key_id, TEMPORARY.secret, OWNER.principal, SECOND.session_token)
NEEDLESS_TOKEN = AccessKey(OWNER.key_id, OWNER.secret, OWNER.principal, "stale")


@pytest.mark.parametrize(
    ("signer", "reason", "detail"),
    [
        (Signer(UNKNOWN), IotCoreReason.ACCESS_KEY_UNKNOWN, "AKIASTRANGER"),
        (Signer(WRONG), IotCoreReason.AWS_SIGNATURE_MISMATCH, "secret access key is not the one"),
        (Signer(NO_TOKEN), IotCoreReason.SESSION_TOKEN_INVALID, "is missing"),
        (Signer(STRANGE_TOKEN), IotCoreReason.ACCESS_KEY_UNKNOWN, "did not issue the session token of ASIATEMPORARY"),
        (Signer(OTHER_TOKEN), IotCoreReason.SESSION_TOKEN_INVALID, "not the one of ASIATEMPORARY"),
        (Signer(NEEDLESS_TOKEN), IotCoreReason.SESSION_TOKEN_INVALID, "expected no session token"),
        (Signer(region="eu-west-2"), IotCoreReason.CREDENTIAL_SCOPE_INVALID, "region eu-west-1, found eu-west-2"),
        (Signer(service="iot"), IotCoreReason.CREDENTIAL_SCOPE_INVALID, "found iot"),
        (Signer(host="localhost"), IotCoreReason.AWS_SIGNATURE_MISMATCH, "for the host localhost,"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_refusal_names_the_mistake(signer: Signer, reason: str, detail: str) -> None:
    found, text = refused_url(upgrade(signer.url()))
    assert found == reason
    assert detail in text


def test_a_token_that_is_signed_in_the_url_is_a_known_mistake() -> None:
    reason, detail = refused_url(upgrade(Signer(TEMPORARY).url(with_token=True)))
    assert reason == IotCoreReason.AWS_SIGNATURE_MISMATCH
    assert detail.startswith("X-Amz-Security-Token is signed")


MISTAKES = {
    "hash-hashed-twice": (own_url(payload=sha256(SHA256_OF_NOTHING.encode())), "hash is hashed again"),
    "unsigned-payload": (own_url(payload="UNSIGNED-PAYLOAD"), "UNSIGNED-PAYLOAD"),
    "host-in-upper-case": (own_url(headers=(("host", "LOCALHOST:8443"),)), "for the host LOCALHOST:8443,"),
    "host-with-a-capital": (own_url(headers=(("host", "Localhost"),)), "for the host Localhost,"),
    "other-path": (own_url(path="/"), "for the path /"),
    "parameter-added": (f"{own_url()}&clientId=ann", "parameters that are not signed"),
    "two-mistakes": (
        f"{own_url(headers=(('host', 'localhost'),))}&clientId=ann",
        "for the host localhost, and the request was sent to localhost:8443; the query string has parameters",
    ),
}


@pytest.mark.parametrize(("query", "detail"), MISTAKES.values(), ids=MISTAKES)
def test_a_signature_that_a_common_mistake_makes_is_recognized(query: str, detail: str) -> None:
    reason, text = refused_url(upgrade(query))
    assert reason == IotCoreReason.AWS_SIGNATURE_MISMATCH
    assert detail in text


def test_a_query_string_that_is_signed_unsorted_is_recognized() -> None:
    first, *others = own_url().rpartition("&X-Amz-Signature=")[0].split("&")
    unsorted = "&".join([*others, first])
    found = own_url(query=unsorted).rpartition("=")[2]
    _, text = refused_url(upgrade(f"{unsorted}&X-Amz-Signature={found}"))
    assert "sort it by name" in text


def test_a_path_that_is_encoded_once_is_recognized() -> None:
    path = "/topics/a%2Fb"
    headers = {"Host": HOST, "X-Amz-Date": DATE}
    canonical = CanonicalRequest(
        "POST", path, "", (("host", HOST.encode()), ("x-amz-date", DATE.encode())), SHA256_OF_NOTHING
    )
    found = signature(OWNER.secret, Scope("20260528", REGION, "iotdata"), DATE, canonical)
    credential = f"Credential=AKIAOWNER/20260528/{REGION}/iotdata/aws4_request"
    headers["Authorization"] = f"AWS4-HMAC-SHA256 {credential},SignedHeaders=host;x-amz-date,Signature={found}"
    _, text = refused_header(call("POST", path, headers))
    assert "encoded once" in text


@pytest.mark.parametrize(("body", "detail"), [(b"other", "secret access key"), (b"", "secret access key")])
def test_a_changed_body_is_refused(body: bytes, detail: str) -> None:
    headers = Signer(service="iotdata").headers("POST", "/topics/a", body=b"hello")
    reason, text = refused_header(call("POST", "/topics/a", headers, body=body))
    assert reason == IotCoreReason.AWS_SIGNATURE_MISMATCH
    assert detail in text


# What cannot be read.

URL = own_url(expires="300")
MALFORMED = {
    "no-date": (re.sub("X-Amz-Date=[^&]*&", "", URL), "expected X-Amz-Date"),
    "no-signature": (URL.partition("&X-Amz-Signature")[0], "expected X-Amz-Signature"),
    "no-algorithm": (re.sub("X-Amz-Algorithm=[^&]*&", "", URL), "expected X-Amz-Algorithm"),
    "other-algorithm": (URL.replace("HMAC-SHA256", "HMAC-SHA1"), "X-Amz-Algorithm: expected AWS4-HMAC-SHA256"),
    "in-lower-case": (URL.replace("X-Amz-Date", "x-amz-date"), "found x-amz-date in the query string, expected X"),
    "twice": (f"{URL}&X-Amz-Date={DATE}", "found X-Amz-Date twice"),
    "token-twice": (f"{URL}&X-Amz-Security-Token=a&X-Amz-Security-Token=a", "found X-Amz-Security-Token twice"),
    "twice-with-escapes": (f"{URL}&%58-Amz-Date={DATE}", "found X-Amz-Date twice"),
    "own-parameter-twice": (f"{URL}&a=1&%61=2", "found a twice"),
    "bad-escape": (f"{URL}&a=%zz", "begins no escape"),
    "escape-at-the-end": (f"{URL}&a=%4", "begins no escape"),
    "plus": (f"{URL}&a=b+c", "expected %2B"),
    "not-ascii": (URL.replace(DATE, "%FF"), "X-Amz-Date: expected ASCII"),
    "zero-byte": (URL.replace(DATE, "%00"), r"found \x00"),
    "credential": (URL.replace("%2F20260528%2F", "%2F"), "the credential: expected KEY-ID/"),
    "other-terminator": (URL.replace("aws4_request", "aws5_request"), "aws4_request, found aws5_request in part 5"),
    "region-in-upper-case": (URL.replace("eu-west-1", "EU-WEST-1"), "found EU-WEST-1 in part 3"),
    "key-id-with-a-space": (URL.replace("AKIAOWNER", "AKIA%20OWNER"), "found another character in part 1"),
    "other-day": (URL.replace("20260528%2F", "20260527%2F"), "expected the same day"),
    "date-in-other-form": (URL.replace(DATE, "2026-05-28T20:26:40Z"), "expected YYYYMMDDTHHMMSSZ"),
    "no-such-time": (URL.replace(DATE, "20260528T250000Z"), "expected YYYYMMDDTHHMMSSZ"),
    "year-zero": (URL.replace(DATE, "00000528T202640Z"), "expected YYYYMMDDTHHMMSSZ"),
    "no-signed-headers": (URL.replace("SignedHeaders=host", "SignedHeaders="), "is sent but not signed"),
    "host-not-signed": (URL.replace("SignedHeaders=host", "SignedHeaders=origin"), "header host is sent but not"),
    "header-in-upper-case": (URL.replace("SignedHeaders=host", "SignedHeaders=Host"), "names in lower case"),
    "headers-unsorted": (URL.replace("SignedHeaders=host", "SignedHeaders=host%3Ba"), "sorted names"),
    "header-twice": (URL.replace("SignedHeaders=host", "SignedHeaders=host%3Bhost"), "sorted names"),
    "header-not-sent": (URL.replace("SignedHeaders=host", "SignedHeaders=a%3Bhost"), "a is signed but not sent"),
    "short-signature": (URL[:-1], "64 hexadecimal digits"),
    "signature-in-upper-case": (re.sub("[0-9a-f]{64}$", "A" * 64, URL), "64 hexadecimal digits"),
    "expires-zero": (URL.replace("Expires=300", "Expires=0"), "X-Amz-Expires: expected seconds"),
    "expires-negative": (URL.replace("Expires=300", "Expires=-1"), "X-Amz-Expires: expected seconds"),
    "expires-too-long": (URL.replace("Expires=300", "Expires=604801"), "X-Amz-Expires: expected seconds"),
    "expires-text": (URL.replace("Expires=300", "Expires=1h"), "X-Amz-Expires: expected seconds"),
}


@pytest.mark.parametrize(("query", "detail"), MALFORMED.values(), ids=MALFORMED)
def test_a_url_that_is_not_as_aws_documents_it_is_refused(query: str, detail: str) -> None:
    reason, text = refused_url(upgrade(query))
    assert reason == IotCoreReason.AWS_SIGNATURE_MALFORMED
    assert detail in text


def test_a_parameter_that_comes_twice_is_refused_in_an_https_request_too() -> None:
    headers = Signer(service="iotdata").headers("POST", "/topics/a", "qos=0&qos=1")
    for query in ("qos=0&qos=1", "qos=1&qos=0"):
        assert "found qos twice" in refused_header(call("POST", "/topics/a", headers, query))[1]


def test_a_header_of_aws_that_is_not_signed_is_refused() -> None:
    _, text = refused_url(upgrade(URL, x_amz_meta="1"))
    assert text == "the header x-amz-meta is sent but not signed"


GOOD = Signer(service="iotdata").headers("GET", "/retainedMessage")
HEADERS = {
    "other-scheme": (GOOD | {"Authorization": GOOD["Authorization"].replace("HMAC-SHA256", "HMAC-SHA512")}, "Auth"),
    "no-credential": (GOOD | {"Authorization": "AWS4-HMAC-SHA256 Signature=00"}, "Authorization: expected"),
    "not-ascii": (GOOD | {"Authorization": "AWS4-HMAC-SHA256 é"}, "expected ASCII"),
    "no-date": (
        {name: value for name, value in GOOD.items() if name != "X-Amz-Date"},
        "expected the header X-Amz-Date",
    ),
    "token-not-signed": (GOOD | {"X-Amz-Security-Token": "t"}, "x-amz-security-token is sent but not signed"),
    "content-hash-not-signed": (GOOD | {"X-Amz-Content-Sha256": "00"}, "is sent but not signed"),
}


@pytest.mark.parametrize(("headers", "detail"), HEADERS.values(), ids=HEADERS)
def test_a_header_that_is_not_as_aws_documents_it_is_refused(headers: dict[str, str], detail: str) -> None:
    reason, text = refused_header(call("GET", "/retainedMessage", headers))
    assert reason == IotCoreReason.AWS_SIGNATURE_MALFORMED
    assert detail in text


def test_a_repeated_authorization_header_is_refused() -> None:
    request = call("GET", "/retainedMessage", GOOD)
    repeated = SentRequest("GET", request.path, b"", (*request.headers, ("authorization", b"AWS4-HMAC-SHA256 x")))
    assert "2 times" in refused_header(repeated)[1]


def test_a_signature_in_two_places_is_refused() -> None:
    with_both = call("GET", "/retainedMessage", GOOD, query="X-Amz-Signature=00")
    assert "send only one" in refused_header(with_both)[1]
    assert "send only one" in refused_url(upgrade(URL, authorization=GOOD["Authorization"]))[1]


# Any bytes, and any change.


@given(st.binary(max_size=200), st.binary(max_size=40), st.binary(max_size=40))
def test_any_bytes_are_refused_with_a_reason(query: bytes, path: bytes, header: bytes) -> None:
    prefix = b"X-Amz-Algorithm=AWS4-HMAC-SHA256&"
    headers = (("host", header), ("authorization", header), ("x-amz-date", header))
    refused_url(SentRequest("GET", path, prefix + query, headers[:1]))
    refused_header(SentRequest("GET", path, query, headers))
    for signed in (SentRequest("GET", path, prefix + query, headers), SentRequest("GET", path, query, headers)):
        with contextlib.suppress(SignatureRefused):
            assert verifier().verify_upgrade(signed) is None
        with pytest.raises(SignatureRefused):
            verifier().is_foreign(signed, DATA)


def test_the_time_grows_no_faster_than_the_headers() -> None:
    names = [*sorted(f"h{number}" for number in range(20_000)), "host"]
    headers = tuple((name, b"h") for name in names)
    query = URL.replace("SignedHeaders=host", f"SignedHeaders={';'.join(names)}").encode()
    started = time.process_time()
    refused_url(SentRequest("GET", b"/mqtt", query, headers))
    assert time.process_time() - started < 5  # With a search for each name, it takes a minute.


@given(st.binary(max_size=20), st.binary(max_size=20))
def test_a_url_that_is_sent_to_any_other_host_or_path_is_refused(host: bytes, path: bytes) -> None:
    request = SentRequest("GET", b"/mqtt/" + path, Signer().url().encode(), (("host", host),))
    assert refused_url(request)[0] in (IotCoreReason.AWS_SIGNATURE_MISMATCH, IotCoreReason.AWS_SIGNATURE_MALFORMED)


@given(st.data())
def test_a_url_with_any_changed_value_is_refused(data: st.DataObject) -> None:
    pairs = parse_qsl(Signer().url(query="clientId=ann"), strict_parsing=True)
    index = data.draw(st.integers(0, len(pairs) - 1))
    name, value = pairs[index]
    changed = data.draw(st.text(max_size=80).filter(lambda text: text != value))
    pairs[index] = name, changed
    refused_url(upgrade(urlencode(pairs, quote_via=quote, safe="", errors="replace")))


@given(st.integers(0, 63), st.sampled_from("0123456789abcdef"))
def test_a_signature_with_any_changed_digit_is_refused(index: int, digit: str) -> None:
    head, equals, found = Signer().url().rpartition("=")
    if found[index] != digit:
        changed = f"{found[:index]}{digit}{found[index + 1 :]}"
        assert refused_url(upgrade(head + equals + changed))[0] == IotCoreReason.AWS_SIGNATURE_MISMATCH


SWAPPED = AccessKey("wJalrXUtnFEMIaK7MDENGabPxRfiCYEXAMPLEKEY", "AKIAOWNER", OWNER.principal)
WITH_SLASHES = AccessKey("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "AKIAOWNER", OWNER.principal)


@pytest.mark.parametrize("swapped", [SWAPPED, WITH_SLASHES])
def test_a_secret_in_the_place_of_the_key_id_is_not_shown(swapped: AccessKey) -> None:
    with_token = Signer(replace(swapped, session_token="t"), "iotdata").headers("GET", "/retainedMessage")
    details = [
        refused_url(upgrade(Signer(swapped).url()))[1],
        refused_url(upgrade(Signer(replace(swapped, session_token=TEMPORARY.session_token)).url()))[1],
        refused_header(call("GET", "/retainedMessage", with_token))[1],
    ]
    assert not any(re.search("wJalr|K7MDENG|EXAMPLE", each) for each in details)


@pytest.mark.parametrize("query", [Signer(WRONG).url(), Signer(OTHER_TOKEN).url(), URL[:-1], f"{URL}&X-Amz-Date=1"])
def test_no_refusal_shows_a_secret_a_signature_or_a_token(query: str) -> None:
    _, text = refused_url(upgrade(query))
    presented = re.search("X-Amz-Signature=([0-9a-f]+)", query)
    assert presented
    for secret in (presented[1], OWNER.secret, "another", "tok+/=="):
        assert secret not in text
