"""What is logged and counted of each decision."""

import io
import time
from contextlib import redirect_stdout
from pathlib import Path

import pytest

from iot_authorizer import Authorizer, Grant, LambdaHandler, Observer, Principal, Reason, Refusal
from iot_authorizer.response import refused
from tests.authorizer.events import CONNECTION, Event, anonymous, bearer
from tests.authorizer.handlers import NAME, Context, Line, Outcome, Running, new_observer
from tests.authorizer.tokens import ISSUER, mint


@pytest.fixture
def fresh() -> Running:
    """An authorizer that has answered no event yet and allows every client."""
    return Running(
        Authorizer(verify=lambda credentials: Principal("ann"), grant=lambda principal: Grant(connect=("a",)))
    )


def test_the_log_line_of_an_allowed_client_names_principal_connection_and_source(authorizer: Running) -> None:
    line = authorizer(bearer(mint(), client_id="ann/phone")).decision
    expected = {
        "level": "INFO",
        "decision": "allowed",
        "principal": "ann",
        "issuer": ISSUER,
        "client_id": "ann/phone",
        "connection_id": CONNECTION,
        "source": "authorization",
        "service": NAME,
    }
    assert {name: line[name] for name in expected} == expected


def test_a_refusal_says_why(authorizer: Running) -> None:
    line = authorizer(bearer(mint(exp=1), client_id="ann/phone")).decision
    expected = {
        "level": "WARNING",
        "decision": "refused",
        "reason": "expired",
        "issuer": ISSUER,
        "client_id": "ann/phone",
        "connection_id": CONNECTION,
    }
    assert {name: line[name] for name in expected} == expected


def test_a_refused_principal_is_named_once_it_is_proven(authorizer: Running) -> None:
    assert authorizer(bearer(mint(), client_id="eve")).decision["principal"] == "ann"


def test_a_name_that_is_not_proven_and_an_issuer_that_is_not_configured_are_not_logged(authorizer: Running) -> None:
    assert "principal" not in authorizer(bearer(mint()[:-8])).decision
    assert "issuer" not in authorizer(bearer(mint(iss="https://evil.example/"))).decision


@pytest.mark.parametrize("event", [bearer(mint()), anonymous()], ids=["allowed", "refused"])
def test_a_decision_has_its_time_and_its_duration(authorizer: Running, event: Event) -> None:
    before = time.time() * 1000
    line = authorizer(event).decision
    assert (line["duration_ms"] >= 0, line["_aws"]["Timestamp"] >= int(before)) == (True, True)


def test_long_names_are_cut_in_the_log(authorizer: Running) -> None:
    assert len(authorizer(bearer(mint(), client_id="a" * 10_000)).decision["client_id"]) == 128


def test_a_cold_start_is_counted_once(fresh: Running) -> None:
    assert [("ColdStart" in fresh({}).counted) for _ in range(3)] == [True, False, False]


def test_a_refusal_is_counted_in_all_and_by_its_reason_in_the_authorizers_namespace(authorizer: Running) -> None:
    authorizer(anonymous())
    outcome = authorizer(anonymous())
    (line,) = outcome.metrics
    assert (outcome.counted, line["reason"], namespaces(line)) == (
        {"Refused"},
        Reason.NO_CREDENTIALS,
        {"IotAuthorizer"},
    )
    assert [sorted(each, reverse=True) for each in dimensions(line)] == [["service"], ["service", "reason"]]


def test_an_admission_is_counted_without_the_reason_of_the_refusal_before_it(authorizer: Running) -> None:
    authorizer(anonymous())
    outcome = authorizer(bearer(mint()))
    assert (outcome.counted, [dimensions(line) for line in outcome.metrics]) == ({"Allowed"}, [[["service"]]])


def test_the_environment_may_name_another_namespace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "Another")
    assert namespaces(_counted_by(new_observer())) == {"Another"}


@pytest.mark.parametrize("variable", ["POWERTOOLS_METRICS_DISABLED", "POWERTOOLS_DEV"])
def test_no_variable_turns_a_part_of_the_metrics_off(
    fresh: Running, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "true")
    assert [sorted(fresh({}).counted) for _ in range(2)] == [["Allowed", "ColdStart"], ["Allowed"]]


def namespaces(line: Line) -> set[str]:
    return {group["Namespace"] for group in line["_aws"]["CloudWatchMetrics"]}


def dimensions(line: Line) -> list[list[str]]:
    groups = line["_aws"]["CloudWatchMetrics"]
    return [each for group in groups for each in group["Dimensions"]]


def test_nothing_is_printed_but_json(authorizer: Running) -> None:
    for outcome in (authorizer(anonymous()), authorizer(bearer(mint()))):
        assert all(line.startswith("{") for line in outcome.output.split("\n") if line)


def test_two_authorizers_in_one_process_count_for_themselves() -> None:
    first, second = (Observer(f"{NAME}-{number}") for number in range(2))
    counts = [_counted_by(observer) for observer in (first, second, first)]
    assert [line["service"] for line in counts] == [f"{NAME}-0", f"{NAME}-1", f"{NAME}-0"]


def _counted_by(observer: Observer) -> Line:
    output = io.StringIO()
    with redirect_stdout(output):
        observer.refused(Refusal("own_reason"), {}, 0)
    return Outcome(refused(), output.getvalue()).metrics[0]


class Broken(io.StringIO):
    """A standard output that takes nothing."""

    def write(self, text: str) -> int:
        raise OSError("no space left on device")


@pytest.mark.parametrize("event", [{}, {"token": 5}], ids=["allowed", "refused"])
def test_if_nothing_can_be_logged_no_client_is_allowed(fresh: Running, event: Event) -> None:
    with redirect_stdout(Broken()):
        answer = fresh.handler(event, Context())  # type: ignore[arg-type]
    assert answer == refused()


def test_a_log_that_was_broken_leaves_nothing_behind(fresh: Running) -> None:
    with redirect_stdout(Broken()):
        fresh.handler({"token": 5}, Context())  # type: ignore[arg-type]
    line = fresh({}).metrics[-1]
    assert (dimensions(line), fresh({}).verdict) == ([["service"]], "allowed")


def test_without_an_observer_a_handlers_metrics_have_the_name_of_the_configuration(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "own.toml").write_text('name = "chat"\n')
    monkeypatch.setenv("AUTHORIZER_CONFIG", str(tmp_path / "own.toml"))
    authorizer = Authorizer(verify=lambda credentials: Principal("ann"), grant=lambda principal: Grant(connect=("a",)))
    with redirect_stdout(io.StringIO()) as output:
        answer = LambdaHandler(authorizer)({}, Context())  # type: ignore[arg-type]
    assert (answer["isAuthenticated"], '"service":"chat"' in output.getvalue()) == (True, True)
