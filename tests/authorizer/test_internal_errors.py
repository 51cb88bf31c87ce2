"""After any error inside, the client is refused. The log says where it happened, but never the error's message."""

import math
import random
from dataclasses import dataclass
from typing import Any, NoReturn

import pytest

from iot_authorizer import Authorizer, Grant, Principal, Reason, Refusal, VerifiedPrincipal
from iot_authorizer.response import refused
from tests.authorizer.events import Event, bearer
from tests.authorizer.handlers import Running

SECRET = "s3cr3t-token"
ERRORS: list[type[BaseException]] = [
    *(ValueError, KeyError, AttributeError, RecursionError, MemoryError),
    *(TimeoutError, StopIteration, AssertionError, SystemExit),
]


class Quoting(Exception):
    """An error that quotes what a client sent, wherever it can."""

    def __str__(self) -> str:
        return SECRET

    __repr__ = __str__


def raising(error: BaseException) -> Any:  # noqa: ANN401
    def function(*_: object) -> NoReturn:
        raise error

    return function


def broken_verify(error: BaseException) -> Running:
    return Running(Authorizer(verify=raising(error), grant=lambda principal: Grant(publish=("a",))))


def broken_grant(error: BaseException) -> Running:
    return Running(Authorizer(verify=lambda credentials: Principal("ann"), grant=raising(error)))


@pytest.mark.parametrize("error", [*(error(SECRET) for error in ERRORS), Quoting()], ids=repr)
@pytest.mark.parametrize("broken", [broken_verify, broken_grant])
def test_an_error_is_a_refusal_like_any_other_and_its_text_is_not_logged_at_any_level(
    every_level: None,
    broken: Any,  # noqa: ANN401
    error: BaseException,
) -> None:
    outcome = broken(error)(bearer(SECRET))
    assert (outcome.verdict, outcome.answer) == (Reason.INTERNAL_ERROR, refused())
    assert SECRET not in outcome.output


@pytest.mark.parametrize(("broken", "principal"), [(broken_verify, None), (broken_grant, "ann")])
def test_the_log_says_what_broke_and_where_and_for_which_client(broken: Any, principal: str | None) -> None:  # noqa: ANN401
    line = broken(ValueError(SECRET))(bearer("t", client_id="phone")).decision
    assert line["detail"].startswith("ValueError at test_internal_errors.py:")
    found = tuple(line.get(name) for name in ("level", "client_id", "source", "principal"))
    assert found == ("ERROR", "phone", "authorization", principal)


@dataclass(frozen=True)
class Frozen(Exception):
    """An error whose attributes cannot be set."""


@pytest.mark.parametrize("broken", [broken_verify, broken_grant])
def test_an_error_that_cannot_be_changed_is_logged_with_its_own_type(broken: Any) -> None:  # noqa: ANN401
    line = broken(Frozen())(bearer("t")).decision
    assert (line["detail"].partition(" at ")[0], line["source"]) == ("Frozen", "authorization")


@pytest.mark.parametrize("principal", ["ann", ("ann", {})], ids=["text", "tuple"])
@pytest.mark.parametrize("broken", [broken_verify, broken_grant])
def test_a_refusal_with_another_thing_than_a_principal_is_logged_too(broken: Any, principal: Any) -> None:  # noqa: ANN401
    assert broken(Refusal("own_reason", principal=principal))(bearer("t")).verdict == "own_reason"


NO_PRINCIPALS: dict[str, Any] = {
    "none": None,
    "true": True,
    "text": "ann",
    "tuple": ("ann", {}),
    "dict": {"name": "ann"},
    "type": Principal,
    "proof-without-principal": VerifiedPrincipal(None),  # type: ignore[arg-type]
    "proof-of-text": VerifiedPrincipal("ann"),  # type: ignore[arg-type]
    "name-missing": Principal(None),  # type: ignore[arg-type]
    "name-empty": Principal(""),
    "name-number": Principal(5),  # type: ignore[arg-type]
    "name-bytes": Principal(b"ann"),  # type: ignore[arg-type]
    "expiry-text": VerifiedPrincipal(Principal("ann"), expires_at="never"),  # type: ignore[arg-type]
    "expiry-not-a-number": VerifiedPrincipal(Principal("ann"), expires_at=math.nan),
    "expiry-infinite": VerifiedPrincipal(Principal("ann"), expires_at=math.inf),
    "claims-missing": Principal("ann", None),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("found", NO_PRINCIPALS.values(), ids=NO_PRINCIPALS)
def test_a_verifier_that_returns_no_principal_allows_no_client(found: Any) -> None:  # noqa: ANN401
    grant = Grant(when={"a": "*"}, publish=("{principal}",)), Grant(connect=("x",))
    running = Running(Authorizer(verify=lambda credentials: found, grant=lambda principal: grant))
    assert running({}).verdict == Reason.INTERNAL_ERROR


NO_GRANTS: dict[str, Any] = {
    "none": None,
    "true": True,
    "text": "a/b",
    "texts": ["a/b"],
    "dict": {"publish": ["a/b"]},
    "type": Grant,
    "nested": [[Grant(publish=("a",))]],
    "document": [{"Version": "2012-10-17", "Statement": []}],
}


@pytest.mark.parametrize("granted", NO_GRANTS.values(), ids=NO_GRANTS)
def test_a_grant_function_that_returns_no_grants_allows_no_client(granted: Any) -> None:  # noqa: ANN401
    running = Running(Authorizer(verify=lambda credentials: Principal("ann"), grant=lambda principal: granted))
    assert running({}).answer == refused()


class Hostile:
    """A context that answers with an error."""

    @property
    def invoked_function_arn(self) -> str:
        raise ValueError(SECRET)


def test_a_context_that_breaks_is_a_refusal(authorizer: Running, every_level: None) -> None:
    outcome = authorizer({}, Hostile())
    assert (outcome.verdict, SECRET in outcome.output) == (Reason.INTERNAL_ERROR, False)


def test_an_error_before_all_steps_is_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random, "seed", raising(OSError(SECRET)))
    running = Running(Authorizer(verify=lambda credentials: Principal("ann"), grant=lambda principal: Grant()))
    assert running({}).verdict == Reason.INTERNAL_ERROR


def test_after_an_error_the_next_client_is_allowed() -> None:
    answers: list[Any] = [ValueError(SECRET), Principal("ann")]

    def verify(_: object) -> Principal:
        found = answers.pop(0)
        if isinstance(found, Exception):
            raise found
        assert isinstance(found, Principal)
        return found

    running = Running(Authorizer(verify=verify, grant=lambda principal: Grant(publish=("a",))))
    events: list[Event] = [{}, {}]
    assert [running.verdict(event) for event in events] == [Reason.INTERNAL_ERROR, "allowed"]
