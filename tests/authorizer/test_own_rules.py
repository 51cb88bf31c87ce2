"""An authorizer with rules of your own: one function verifies credentials, one grants topics."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from iot_authorizer import (
    Authorizer,
    Credentials,
    CredentialSource,
    Deny,
    Grant,
    Principal,
    Reason,
    Refusal,
    SessionTimes,
    VerifiedPrincipal,
)
from iot_policies import PolicyTemplate
from tests.authorizer.events import CONNECTION, event
from tests.authorizer.handlers import Outcome, Running

Granted = Grant | Deny | Sequence[Grant | Deny]
ANN = Principal("ann", {"rooms": ["lobby", "tea"]})


def granting(granted: Granted | PolicyTemplate, principal: Principal = ANN, **options: Any) -> Running:  # noqa: ANN401
    """Verifies every client as one principal and grants it this."""
    grant = granted if isinstance(granted, PolicyTemplate) else lambda principal: granted
    return Running(Authorizer(verify=lambda credentials: principal, grant=grant, **options))


def resources(outcome: Outcome, effect: str = "Allow") -> set[str]:
    """What an answer allows or denies, without the account."""
    assert outcome.verdict == "allowed"
    statements = [each for document in outcome.answer["policyDocuments"] for each in document["Statement"]]
    return {arn.split(":")[-1] for each in statements if each["Effect"] == effect for arn in each["Resource"]}


@pytest.mark.parametrize(
    ("granted", "expected"),
    [
        pytest.param(Grant(publish=("a/b",)), {"topic/a/b"}, id="one grant"),
        pytest.param(
            [Grant(publish=("a",)), Grant(subscribe=("b/#",))],
            {"topic/a", "topicfilter/b/*", "topic/b/*"},
            id="several grants",
        ),
        pytest.param(
            Grant(publish=("{principal}/{claims.rooms}",)), {"topic/ann/lobby", "topic/ann/tea"}, id="placeholders"
        ),
        pytest.param(PolicyTemplate.of([Grant(publish=("{principal}",))]), {"topic/ann"}, id="a template"),
    ],
)
def test_a_client_may_do_what_is_granted(granted: Granted | PolicyTemplate, expected: set[str]) -> None:
    assert resources(granting(granted)({})) == expected


@pytest.mark.parametrize("form", [tuple, iter], ids=["returned", "yielded"])
def test_a_denial_beside_a_grant_denies(form: Any) -> None:  # noqa: ANN401
    granted = form((Grant(publish=("a/#",)), Deny(publish=("a/b",))))
    assert resources(granting(granted)({}), "Deny") == {"topic/a/b"}


def test_topics_can_have_the_client_id() -> None:
    running = granting(Grant(connect=("phone",), publish=("devices/{client_id}",)))
    assert resources(running(event(client_id="phone"))) == {"client/phone", "topic/devices/phone"}


def test_pluses_are_exact_here_too() -> None:
    outcome = granting(Grant(publish=("a/+/c",)))({})
    assert (resources(outcome), resources(outcome, "Deny")) == ({"topic/a/*/c"}, {"topic/a/*/*/c"})


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        ({}, (3600, 600)),
        ({"session": SessionTimes(refresh_after=420, spread=0)}, (86_400, 420)),
    ],
    ids=["the template's", "one's own"],
)
def test_a_template_brings_its_session_unless_there_is_an_own_one(
    own: dict[str, Any], expected: tuple[int, int]
) -> None:
    session = SessionTimes(disconnect_after=3600, refresh_after=600, spread=0)
    answer = granting(PolicyTemplate.of([Grant(publish=("a",))], session=session), **own)({}).answer
    assert (answer["disconnectAfterInSeconds"], answer["refreshAfterInSeconds"]) == expected


NOTHING: dict[str, Granted] = {
    "no-grant": [],
    "empty-grant": Grant(),
    "denial-alone": Deny(publish=("a",)),
    "claim-missing": Grant(publish=("{claims.none}",)),
    "condition-not-met": Grant(when={"role": "admin"}, publish=("a",)),
}


@pytest.mark.parametrize("granted", NOTHING.values(), ids=NOTHING)
def test_if_nothing_is_granted_no_client_is_allowed(granted: Granted) -> None:
    assert granting(granted)({}).verdict == Reason.NOTHING_GRANTED


INVALID = ["a/*", "a/${iot:ClientId}", "a+/b", "#/a", "{unknown}", "a/+/b/#", "", "a?"]


@pytest.mark.parametrize("topic", INVALID)
def test_a_topic_that_can_not_be_granted_exactly_is_refused(topic: str) -> None:
    assert granting(Grant(publish=(topic,)))({}).verdict == Reason.INVALID_TOPICS


UNSAFE = {
    "principal": Principal("ann/#"),
    "claims.rooms": Principal("ann", {"rooms": ["lobby", "+"]}),
    "claims.room": Principal("ann", {"room": {"a": 1}}),
}


@pytest.mark.parametrize(("source", "principal"), UNSAFE.items(), ids=UNSAFE)
def test_a_value_that_is_not_one_level_is_refused(source: str, principal: Principal) -> None:
    line = granting(Grant(publish=(f"x/{{{source}}}",)), principal)({}).decision
    assert (line["reason"], line["detail"]) == (Reason.UNSAFE_VALUE, source)


def test_a_client_id_that_would_be_a_wildcard_is_refused() -> None:
    running = granting(Grant(connect=("{client_id}",)))
    assert running(event(client_id="#")).verdict == Reason.UNSAFE_VALUE


@pytest.mark.parametrize("client_id", ["eve", "ann/old"], ids=["not granted", "denied"])
def test_a_client_id_that_is_not_granted_or_denied_is_refused(client_id: str) -> None:
    running = granting([Grant(connect=("{principal}/*",)), Deny(connect=("{principal}/old",))])
    assert running(event(client_id=client_id)).verdict == Reason.CLIENT_ID_NOT_GRANTED


def test_a_client_without_an_id_needs_no_grant_for_one() -> None:
    assert granting(Grant(publish=("a",)))({}).verdict == "allowed"


def test_a_policy_that_does_not_fit_is_refused() -> None:
    topics = tuple(f"{'x' * 100}/{number}" for number in range(300))
    assert granting(Grant(publish=topics))({}).verdict == Reason.POLICY_TOO_LARGE


def proving(verify: Any, **options: Any) -> Running:  # noqa: ANN401 (wrong ones too)
    """Verifies clients with this function; each principal may publish to its own topic."""
    return Running(Authorizer(verify=verify, grant=lambda principal: Grant(publish=("{principal}",)), **options))


def test_a_verifier_gets_the_credentials() -> None:
    seen: list[Credentials] = []

    def verify(credentials: Credentials) -> Principal:
        seen.append(credentials)
        return ANN

    proving(verify, token_key_name="key")(event(headers={"Key": "t0k"}, client_id=None))
    assert [(each.token, each.source, each.event.connection_id) for each in seen] == [
        ("t0k", CredentialSource.HEADER, CONNECTION)
    ]


CONFIGURED: dict[str, tuple[str | None, dict[str, str], str]] = {
    "the file's": ('token_key_name = "key"', {}, "allowed"),
    "a variable's": ('token_key_name = "other"', {"AUTHORIZER__TOKEN_KEY_NAME": "key"}, "allowed"),
    "another": ('token_key_name = "other"', {}, Reason.MISPLACED_CREDENTIALS),
    "none": ("", {}, Reason.MISPLACED_CREDENTIALS),
    "no text": ("token_key_name = 5", {}, Reason.MISPLACED_CREDENTIALS),
    "no file": (None, {}, Reason.MISPLACED_CREDENTIALS),
}
"""What the configuration says about the key under which a client sends its token, and what becomes of the client."""


@pytest.mark.parametrize("case", CONFIGURED)
def test_a_token_is_found_under_the_token_key_name_of_the_configuration(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, case: str
) -> None:
    text, variables, verdict = CONFIGURED[case]
    if text is not None:
        (tmp_path / "own.toml").write_text(text)
    for name, value in {"AUTHORIZER_CONFIG": str(tmp_path / "own.toml"), **variables}.items():
        monkeypatch.setenv(name, value)
    token = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbm4ifQ.c2ln"
    assert proving(lambda credentials: ANN)(event(query=f"key={token}", client_id=None)).verdict == verdict


def test_a_proof_may_end_and_may_name_its_issuer() -> None:
    proof = VerifiedPrincipal(ANN, issuer="https://own.example/", expires_at=1000.0)
    outcome = proving(lambda credentials: proof, clock=lambda: 400.0)({})
    assert outcome.answer["disconnectAfterInSeconds"] == 600
    assert outcome.decision["issuer"] == "https://own.example/"


@pytest.mark.parametrize(
    ("proof", "verdict"),
    [
        (VerifiedPrincipal(ANN, expires_at=99.0), Reason.EXPIRED),
        (VerifiedPrincipal(ANN, expires_at=100.0), "allowed"),  # By the longest leeway that a token can have.
        (VerifiedPrincipal(ANN, 9999.0), Reason.INTERNAL_ERROR),  # type: ignore[arg-type]
    ],
    ids=["expired", "within the leeway", "a time as the issuer"],
)
def test_a_proof_that_has_expired_is_refused(proof: VerifiedPrincipal, verdict: str) -> None:
    assert proving(lambda credentials: proof, clock=lambda: 400.0)({}).verdict == verdict


def refuse(_: object) -> Principal:
    raise Refusal("session_revoked", "since noon", principal=ANN)


def test_a_refusal_can_have_another_reason_code() -> None:
    line = proving(refuse)({}).decision
    assert (line["reason"], line["detail"], line["principal"]) == ("session_revoked", "since noon", "ann")


def test_a_grant_function_may_refuse() -> None:
    running = Running(Authorizer(verify=lambda credentials: ANN, grant=refuse))  # type: ignore[arg-type]
    assert running({}).verdict == "session_revoked"


@pytest.mark.parametrize("code", ["", "Revoked", "session revoked", "1st", "a-b", "a" * 65, "reason\n", "é"])
def test_a_reason_is_a_code(code: str) -> None:
    with pytest.raises(ValueError, match="expected a reason code"):
        Refusal(code)


def test_a_refusal_that_is_raised_for_every_client_has_nothing_of_an_earlier_one() -> None:
    always = Refusal("no_rooms")

    def verify(credentials: Credentials) -> Principal:
        return Principal(credentials.token or "")

    def grant(_: Principal) -> Grant:
        raise always

    running = Running(Authorizer(verify=verify, grant=grant, token_key_name="t"))
    names = [running({"token": name}).decision["principal"] for name in ("ann", "bob")]
    assert (names, always.__traceback__, always.principal) == (["ann", "bob"], None, None)


def test_a_refusal_tells_its_reason() -> None:
    assert str(Refusal("session_revoked", "since noon")) == "session_revoked: since noon"
