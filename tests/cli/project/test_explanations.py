"""By which entry of the template a decision is explained."""

import base64
import json
from pathlib import Path

import jwt
import pytest

from iot_authorizer.reasons import Reason
from iot_authorizer_cli.project.configuration import ProjectConfiguration, read_project_configuration
from iot_authorizer_cli.project.explanations import decision_reasons
from iot_core.authorizers.invocation import Asked, AuthorizerCall
from iot_core.functions.lambda_function import function_arn
from iot_core.reasons import IotCoreReason
from iot_policies import Principal
from iot_policies.account_region import account_region
from iot_policies.explaining import explain
from iot_policies.topics import TO, as_written

CONFIGURATION = """\
name = "chat"
policy = "policy.toml"
token_key_name = "t"

[passwords]
file = "passwords.toml"

[anonymous]
principal = "anonymous"
claims    = { rooms = ["hall"] }
"""
POLICY = """\
[[grant]]
name    = "rooms"
connect = ["{principal}"]
publish = ["rooms/{claims.rooms}/say"]
"""
PUMP = 'grant[0], send = { to = "pump 7", topics = ["stop"] }'
DENIED = IotCoreReason.NOT_ALLOWED_BY_POLICY
BY_ROOMS = ('by grant "rooms", publish = "rooms/{claims.rooms}/say"',)


def read(folder: Path, region: str = "us-east-1") -> ProjectConfiguration:
    function = function_arn(account_region(region, "123456789012"))
    return read_project_configuration(folder / "authorizer.toml", function)


@pytest.fixture
def configuration(tmp_path: Path) -> ProjectConfiguration:
    (tmp_path / "authorizer.toml").write_text(CONFIGURATION)
    (tmp_path / "policy.toml").write_text(POLICY)
    (tmp_path / "passwords.toml").write_text('[users.bob]\nhash = "…"\nclaims = { rooms = ["attic"] }\n')
    return read(tmp_path)


def token(name: str, **claims: object) -> str:
    return jwt.encode({"sub": name, **claims}, "x" * 32, "HS256")


ANN, OTHER = token("ann", rooms=["lobby"]), token("bob", rooms=["attic"])


def explained(
    configuration: ProjectConfiguration,
    event: dict[str, object],
    topic: str,
    refused: str | None = None,
    **logged: str,
) -> tuple[str, ...]:
    call = AuthorizerCall("chat", event, logged)
    return tuple(decision_reasons(configuration, call, Asked("publish", topic, "ann"), refused))


@pytest.mark.parametrize(
    ("source", "protocols"),
    [
        ("header", {"http": {"headers": {"X-Other": "n\u00f6", "T": ANN}}}),
        ("authorization", {"http": {"headers": {"authorization": f"Bearer {ANN}"}}}),
        ("query", {"http": {"queryString": f"?access_token={ANN}&x=1"}}),
        ("query", {"http": {"queryString": f"?t={ANN}", "headers": {"Cookie": f"session={OTHER}"}}}),
        ("user_name", {"mqtt": {"username": f"ann?SDK=x&t={ANN}"}}),
        ("user_name", {"mqtt": {"username": f"?x={OTHER}&t={ANN}"}}),
        ("password", {"mqtt": {"password": base64.b64encode(ANN.encode()).decode()}}),
    ],
)
def test_the_token_is_the_one_that_the_lambda_found_and_no_other(
    configuration: ProjectConfiguration, source: str, protocols: dict[str, object]
) -> None:
    event = json.loads(json.dumps({"protocolData": protocols}))
    assert explained(configuration, event, "rooms/lobby/say", principal="ann", source=source) == BY_ROOMS
    denied = explained(configuration, event, "rooms/attic/say", DENIED, principal="ann", source=source)
    assert denied != BY_ROOMS


@pytest.mark.parametrize(
    ("event", "topic", "principal", "source"),
    [
        ({"token": ANN}, "rooms/lobby/say", "ann", "token"),
        ({"protocolData": {"mqtt": {"username": "bob", "password": "c2VjcmV0"}}}, "rooms/attic/say", "bob", "password"),
        ({}, "rooms/hall/say", "anonymous", "anonymous"),
    ],
    ids=["of the token", "of the password file", "of the configuration"],
)
def test_the_claims_come_from_where_the_lambda_has_them(
    configuration: ProjectConfiguration, event: dict[str, object], topic: str, principal: str, source: str
) -> None:
    assert explained(configuration, event, topic, principal=principal, source=source) == BY_ROOMS


@pytest.mark.parametrize(
    ("receiver", "topic", "refused", "expected"),
    [
        ("pump 7", "stop", None, [f"by {PUMP}"]),
        ("pump 7", "stops", DENIED, [f'{PUMP}: has "stop" where the topic has "stops"']),
        ("pump", "stop", DENIED, [f'{PUMP}: allows the receiver "pump 7", not "pump"']),
        ("x/a\tb", "stop", None, []),
        ("x/a", "b\tstop", DENIED, []),
    ],
)
def test_a_direct_message_is_explained_by_its_own_receiver_and_topic(
    tmp_path: Path,
    configuration: ProjectConfiguration,
    receiver: str,
    topic: str,
    refused: str | None,
    expected: list[str],
) -> None:
    """Also if they have spaces. What has a tab is not explained, since a tab joins the two."""
    (tmp_path / "policy.toml").write_text('[[grant]]\nsend = [{ to = "pump 7", topics = ["stop"] }]\n')
    call = AuthorizerCall("chat", {"token": ANN}, {"principal": "ann", "source": "token"})
    asked = Asked("send", as_written(f"{receiver}{TO}{topic}"), None)
    found = decision_reasons(read(tmp_path), call, asked, refused)
    assert [*found] == expected


def test_a_scope_is_a_list_as_the_lambda_reads_it(tmp_path: Path, configuration: ProjectConfiguration) -> None:
    (tmp_path / "policy.toml").write_text('[[grant]]\nwhen = { scope = "chat" }\npublish = ["hall"]\n')
    event: dict[str, object] = {"token": token("ann", scope="openid chat")}
    (reason,) = explained(read(tmp_path), event, "hall", principal="ann", source="token")
    assert reason.startswith("by grant")


def test_a_refusal_is_explained_too(configuration: ProjectConfiguration) -> None:
    (reason,) = explained(configuration, {"token": ANN}, "rooms/attic/say", DENIED, principal="ann", source="token")
    assert reason.endswith('claims.rooms is "lobby", the topic needs "attic"')


@pytest.mark.parametrize(
    ("event", "logged"),
    [({"token": ANN}, {}), ({"protocolData": 7}, {"principal": "eve", "source": "password"})],
    ids=["no principal", "an event that is none"],
)
def test_a_client_that_is_not_known_is_not_explained(
    configuration: ProjectConfiguration, event: dict[str, object], logged: dict[str, str]
) -> None:
    assert explained(configuration, event, "rooms/lobby/say", **logged) != BY_ROOMS


@pytest.mark.parametrize(
    ("action", "authorizer", "template"),
    [("publish", "another", POLICY), ("fly", "chat", POLICY), ("publish", "chat", None)],
    ids=["another authorizer", "an action without a question", "grants from code"],
)
def test_what_no_template_decides_is_not_explained(
    tmp_path: Path, configuration: ProjectConfiguration, action: str, authorizer: str, template: str | None
) -> None:
    if template is None:
        (tmp_path / "authorizer.toml").write_text('name = "chat"\n')
        configuration = read(tmp_path)
    call = AuthorizerCall(authorizer, {"token": ANN}, {"principal": "ann", "source": "token"})
    assert decision_reasons(configuration, call, Asked(action, "rooms/lobby/say", "ann"), None) == ()


def test_a_value_that_cannot_be_in_a_topic_is_the_reason(configuration: ProjectConfiguration) -> None:
    event: dict[str, object] = {"token": token("ann", rooms=["a/b"])}
    refused = Reason.UNSAFE_VALUE
    reasons = explained(configuration, event, "rooms/lobby/say", refused, principal="ann", source="token")
    assert reasons[0].startswith("unsafe_value: ")


ISSUERS = """
[[jwt]]
issuer     = "https://a.example/"
audience   = ["chat", "games"]
algorithms = ["ES256"]
jwks       = "keys.json"
token_type = "at+jwt"

[[jwt]]
issuer     = "https://pool.example/"
client_id  = ["web"]
algorithms = ["RS256"]
jwks       = "https://pool.example/keys"
"""


@pytest.mark.parametrize(
    ("reason", "claims", "logged", "text"),
    [
        (
            "unknown_issuer",
            {"iss": "https://a.example"},
            {},
            'iss is "https://a.example", expected "https://a.example/" or "https://pool.example/"',
        ),
        (
            "wrong_audience",
            {"iss": "https://a.example/", "aud": ["mail"]},
            {},
            'aud is ["mail"], expected "chat" or "games"',
        ),
        ("wrong_audience", {"iss": "https://a.example/"}, {}, 'aud is missing, expected "chat" or "games"'),
        (
            "wrong_client",
            {"iss": "https://pool.example/", "client_id": "app"},
            {},
            'client_id is "app", expected "web"',
        ),
        (
            "wrong_token_use",
            {"iss": "https://pool.example/", "token_use": "id"},
            {"detail": "token_use"},
            'token_use is "id", expected "access"',
        ),
        (
            "wrong_token_use",
            {"iss": "https://a.example/"},
            {"detail": "typ"},
            'typ is "application/jwt", expected "application/at+jwt"',
        ),
        ("algorithm_not_allowed", {"iss": "https://a.example/"}, {}, 'alg is "HS256", expected "ES256"'),
        ("expired", {"exp": 1_700_000_000}, {}, 'exp is "2023-11-14 22:13:20Z"'),
        ("missing_claim", {"iss": "https://a.example/"}, {"detail": "exp"}, "the token has the claims sub, iss"),
        ("invalid_claim", {"exp": "soon"}, {"detail": "exp"}, 'exp is "soon"'),
        (
            "keys_unavailable",
            {"iss": "https://pool.example/"},
            {"detail": "no answer in time (https://pool.example/keys)"},
            "jwks is https://pool.example/keys: set it to jwks_uri of the issuer's OpenID configuration, or to a file "
            "of keys",
        ),
    ],
)
def test_a_refused_token_shows_what_it_says_and_what_is_expected(
    tmp_path: Path,
    configuration: ProjectConfiguration,
    reason: str,
    claims: dict[str, object],
    logged: dict[str, str],
    text: str,
) -> None:
    (tmp_path / "authorizer.toml").write_text(CONFIGURATION + ISSUERS)
    call = AuthorizerCall("chat", {"token": token("ann", **claims)}, {"source": "token", **logged})
    asked = Asked("connect", "ann", "ann")
    assert tuple(decision_reasons(read(tmp_path), call, asked, reason)) == (text,)


@pytest.mark.parametrize(
    "protocols",
    [{"http": {"queryString": "?tt=x&a=b"}}, {"mqtt": {"username": "ann?tt=x"}}, {"http": {"headers": {"TT": "x"}}}],
    ids=["query string", "user name", "header"],
)
def test_a_misspelled_token_key_name_is_named(
    tmp_path: Path, configuration: ProjectConfiguration, protocols: dict[str, object]
) -> None:
    (tmp_path / "authorizer.toml").write_text(CONFIGURATION.replace('token_key_name = "t"', 'token_key_name = "ttt"'))
    call = AuthorizerCall("chat", {"protocolData": protocols}, {})
    (found,) = decision_reasons(read(tmp_path), call, Asked("connect", "ann", "ann"), "no_credentials")
    assert found.lower() == "found tt, did you mean ttt?"


def test_a_refused_client_id_is_explained_by_those_that_are_granted(configuration: ProjectConfiguration) -> None:
    call = AuthorizerCall("chat", {"token": ANN}, {"principal": "ann", "source": "token"})
    asked = Asked("connect", "eve", "eve")
    found = decision_reasons(configuration, call, asked, "client_id_not_granted")
    assert tuple(found) == ('granted client IDs: "ann"',)


def test_a_policy_that_is_too_large_only_in_the_functions_region_is_explained(
    configuration: ProjectConfiguration,
) -> None:
    rooms = [f"room-{number:03}" for number in range(200)]
    template = configuration.template
    assert template is not None
    while explain(template, Principal("ann", {"rooms": rooms}), "connect", "ann").allowed:
        rooms.append(f"room-{len(rooms):03}")
    most = token("ann", rooms=rooms[:-1])
    event = {"protocolData": {"http": {"headers": {"t": most}}}}
    call = AuthorizerCall("chat", event, {"principal": "ann", "source": "header"})
    found = {
        region: decision_reasons(read(configuration.path.parent, region), call, Asked("connect", "ann", "ann"), reason)
        for region, reason in (("us-gov-east-1", Reason.POLICY_TOO_LARGE), ("us-east-1", None))
    }
    assert found["us-gov-east-1"][0].startswith("policy_too_large")
    assert found["us-east-1"] == ('by grant "rooms", connect = "{principal}"',)


def test_reasons_that_contradict_the_decision_are_not_given(configuration: ProjectConfiguration) -> None:
    call = AuthorizerCall(
        "chat", {"protocolData": {"http": {"headers": {"t": ANN}}}}, {"principal": "ann", "source": "header"}
    )
    asked = Asked("connect", "ann", "ann")
    assert decision_reasons(configuration, call, asked, Reason.POLICY_TOO_LARGE) == ()
    assert decision_reasons(configuration, call, asked, None) == ('by grant "rooms", connect = "{principal}"',)
