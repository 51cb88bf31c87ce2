"""Decisions in the feed."""

from iot_core.authorizers.answer import AuthorizerAnswer
from iot_core.authorizers.invocation import Authorization, AuthorizerCall
from iot_core.feed import Decisions, Feed

ANSWER = AuthorizerAnswer("ann", (), disconnect_after_in_seconds=300, refresh_after_in_seconds=300)


def test_a_decision_is_explained_by_the_configuration_that_was_in_force_when_it_was_made() -> None:
    feed = Feed()
    decisions = Decisions(feed)
    decisions.explain = lambda *_: ["by the first policy"]
    decisions.by_policy(Authorization(AuthorizerCall("chat", {}, {}), ANSWER), "ann", "publish", "a", True)
    decisions.explain = lambda *_: ["by the second policy"]
    assert next(feed.recent())["explanation"] == ["by the first policy"]


def test_fields_of_the_lambdas_log_line_that_are_not_texts_are_left_out() -> None:
    feed = Feed()
    Decisions(feed).by_policy(
        Authorization(AuthorizerCall("chat", {}, {"principal": 5, "source": "token"}), ANSWER),
        "ann",
        "publish",
        "a",
        True,
    )
    record = next(feed.recent())
    assert "principal" not in record
    assert record["source"] == "token"


def test_the_hint_of_the_lambdas_log_line_is_shown_once_for_a_connection_and_for_each_https_request() -> None:
    feed = Feed()
    authorization = Authorization(AuthorizerCall("chat", {}, {"hint": "a cookie"}), ANSWER)
    for action in ("connect", "refresh", "http_publish", "publish"):
        Decisions(feed).by_policy(authorization, "ann", action, "a", True)
    assert [record.get("hint") for record in feed.recent()] == ["a cookie", "a cookie", "a cookie", None]
