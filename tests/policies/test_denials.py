"""What the linter finds about denies."""

import re

import pytest

from iot_policies import Deny, Grant, PolicyTemplate, Principal
from iot_policies.explaining import explain
from iot_policies.findings import AuditCode, Finding
from iot_policies.linter import lint
from iot_policies.topics import matches
from iot_policies.when import Condition

CONNECT = Grant(connect=("{principal}",))
X = Principal("x", {"room": "x"})


def of_denies(*blocks: Grant | Deny, topic_prefix: str = "") -> list[Finding]:
    found = lint(PolicyTemplate.of([CONNECT, *blocks], topic_prefix=topic_prefix))
    return [finding for finding in found if finding.location[:1] == ("deny",)]


@pytest.mark.parametrize(
    ("deny", "message"),
    [
        (Deny(connect_with=("LastWill",)), "denies nothing: name what it denies"),
        (Deny(publish=("a",), connect_with=("LastWill",)), "denies nothing: name the client IDs"),
    ],
)
def test_a_deny_without_effect_is_found(deny: Deny, message: str) -> None:
    (found,) = of_denies(deny)
    assert (found.severity, message in found.message) == ("warning", True)


@pytest.mark.parametrize(
    ("wanted", "covers"),
    [
        (True, "true, 1 also as a text, and the texts true, yes, on in any case"),
        (False, "false, 0 also as a text, and the texts false, no, off in any case"),
        (7, '7 and the text "7"'),
        ("x", '"x" in any case, and the number or boolean that it spells'),
        ("*", "any value but null"),
        ((True, 7), 'true, 1 also as a text, and the texts true, yes, on in any case; 7 and the text "7"'),
    ],
)
def test_it_is_said_which_spellings_a_deny_covers(wanted: Condition, covers: str) -> None:
    (found,) = of_denies(Deny(when={"x": wanted}, publish=("a",)))
    expected = f"x covers {covers}; a claim that is an object refuses the connection"
    assert (found.severity, found.message) == ("note", expected)


@pytest.mark.parametrize(
    ("publish", "note"),
    [
        ("a/{claims.x}", "denies nothing if claims.x is missing"),
        ("a/{client_id}", "is denied for every client ID if the client has none, as over HTTPS"),
    ],
)
def test_it_is_said_what_a_deny_does_without_a_value_for_its_placeholder(publish: str, note: str) -> None:
    assert [each.message for each in of_denies(Deny(publish=(publish,)))] == [f'"{publish}" {note}']


@pytest.mark.parametrize(
    ("text", "deeper", "reserved"),
    [
        ("a/+", "a/any/any", None),
        ("a/+/{claims.room}", "a/any/any/x", None),
        ("a/+/b/#", "a/any/any/b/any", None),
        ("+/b", "any/any/b", "$aws/b"),
        ("+", "any/any", "$aws"),
    ],
)
def test_a_plus_in_a_deny_is_a_warning_with_an_example_of_each_topic_that_is_denied_beyond_the_filter(
    text: str, deeper: str, reserved: str | None
) -> None:
    (found,) = [each for each in of_denies(Deny(publish=(text,))) if each.severity == "warning"]
    examples = re.findall('such as "(.*?)"', found.message)
    assert (examples, found.audit) == ([deeper, *filter(None, [reserved])], AuditCode.WILDCARDS_IN_DENY)
    for topic in examples:
        assert not matches(text.replace("{claims.room}", "x"), topic)
        granted = PolicyTemplate.of([Grant(publish=(topic,))])
        denied = PolicyTemplate.of([Grant(publish=(topic,)), Deny(publish=(text,))])
        assert explain(granted, X, "publish", topic).allowed
        assert not explain(denied, X, "publish", topic).allowed


def test_a_plus_below_a_topic_prefix_also_denies_reserved_topics() -> None:
    (found,) = of_denies(Deny(subscribe=("$share/g/+/b",)), topic_prefix="dev")
    assert re.findall('such as "(.*?)"', found.message) == ["dev/any/any/b", "$aws/b"]


@pytest.mark.parametrize("text", ["a/+/#", "a/b/+/+/#", "a/#", "a"])
def test_a_deny_that_denies_exactly_its_filter_has_no_finding(text: str) -> None:
    assert of_denies(Deny(publish=(text,))) == []


SHADOW = Grant(name="shadow", publish=("$aws/things/{principal}/shadow/get",), subscribe=("$aws/things/{principal}/#",))


@pytest.mark.parametrize(
    ("deny", "example"),
    [
        (Deny(publish=("#",)), "$aws/things/x/shadow/get"),
        (Deny(publish=("+/#",)), "$aws/things/x/shadow/get"),
        (Deny(subscribe=("#",)), "$aws/things/x/any"),
        (Deny(subscribe=("$share/g/#",)), "$aws/things/x/any"),
    ],
)
@pytest.mark.parametrize("topic_prefix", ["", "dev"])
def test_it_is_said_which_granted_topics_that_start_with_a_dollar_a_deny_reaches(
    deny: Deny, example: str, topic_prefix: str
) -> None:
    (found,) = of_denies(SHADOW, deny, topic_prefix=topic_prefix)
    assert (found.severity, found.audit) == ("note", AuditCode.WILDCARDS_IN_DENY)
    assert found.message.endswith(f'also denies what starts with $, such as "{example}", which grant "shadow" allows')
    template = PolicyTemplate.of([CONNECT, SHADOW, deny], topic_prefix=topic_prefix)
    assert not explain(template, X, "publish" if deny.publish else "receive", example).allowed


def test_it_is_said_that_a_deny_reaches_a_shared_subscription_although_it_does_not_reach_its_topics() -> None:
    shared, deny = Grant(subscribe=("$share/g/{principal}",)), Deny(subscribe=("+/#",))
    (found,) = of_denies(shared, deny)
    assert found.message == '"+/#" also denies what starts with $, such as "$share/g/x", which grant[1] allows'
    template = PolicyTemplate.of([CONNECT, shared, deny])
    assert not explain(template, X, "subscribe", "$share/g/x").allowed
    assert explain(template, X, "receive", "x").allowed


@pytest.mark.parametrize(
    ("grant", "deny"),
    [
        (CONNECT, Deny(publish=("#",))),
        (SHADOW, Deny(publish=("a/#",))),
        (SHADOW, Deny(retain=("#",))),
        (Grant(subscribe=("$share/g/a/#",)), Deny(subscribe=("#",))),
    ],
)
def test_a_deny_that_reaches_no_granted_topic_that_starts_with_a_dollar_has_no_finding(
    grant: Grant, deny: Deny
) -> None:
    assert of_denies(grant, deny) == []


def test_a_deny_of_subscriptions_is_not_evaded_by_a_wider_subscription() -> None:
    template = PolicyTemplate.of(
        [Grant(subscribe=("building/#",)), Deny(subscribe=("building/control_room/#",))],
    )
    assert explain(template, X, "subscribe", "building/#").allowed
    assert not explain(template, X, "receive", "building/control_room/data1").allowed
