"""Which entries tell guests of an identity pool the identity IDs of others."""

from collections.abc import Sequence

import pytest

from iot_policies import Grant, PolicyTemplate
from iot_policies.grants import Deny
from iot_policies.guest_identities import identity_findings
from tests import ROOT

OWN = "{principal}"
CONNECT = Grant(connect=[OWN])


def found(blocks: Sequence[Grant | Deny], topic_prefix: str = "") -> list[str]:
    """The entries with a finding, each with the topic that it names."""
    findings = identity_findings(PolicyTemplate.of(blocks, topic_prefix=topic_prefix))
    return [" ".join((each.message.split('"')[1], each.message.partition("topic ")[2].split()[0])) for each in findings]


@pytest.mark.parametrize(
    ("published", "subscribed", "topic"),
    [
        ("a/{principal}", "a/+", "a/{principal}"),
        ("a/{principal}", "a/#", "a/{principal}"),
        ("a/{principal}", "#", "a/{principal}"),
        ("a/id-{principal}", "+/+", "a/id-{principal}"),
        ("a/{principal}/#", "a/+/x", "a/{principal}/x"),
        ("+/{principal}", "b/+", "b/{principal}"),
        ("a/{principal}/+", "$share/g/a/#", "a/{principal}/any"),
        ("{principal}/{principal}", "+/+", "{principal}/{principal}"),
    ],
)
def test_a_wildcard_that_covers_the_topics_of_others_tells_their_ids(
    published: str, subscribed: str, topic: str
) -> None:
    assert found([CONNECT, Grant(publish=[published], subscribe=[subscribed])]) == [f"{subscribed} {topic}"]


@pytest.mark.parametrize(
    ("published", "subscribed"),
    [
        ("a/{principal}", "a/{principal}"),
        ("a/{principal}", "b/#"),
        ("a/{principal}", "a/+/x"),
        ("a/{principal}", "a/{principal}/#"),
        ("{principal}/{principal}", "{principal}/+"),
        ("a/{principal}/#", "a/+"),
        ("a/+", "a/+"),
        ("$aws/things/{principal}/shadow/update", "#"),
    ],
)
def test_no_id_is_told_by_own_topics_and_by_topics_without_one(published: str, subscribed: str) -> None:
    assert found([CONNECT, Grant(publish=[published], subscribe=[subscribed])]) == []


def test_retained_messages_tell_an_id_too() -> None:
    assert found([Grant(retain=["a/{principal}"], subscribe=["a/+"])]) == ["a/+ a/{principal}"]


@pytest.mark.parametrize(
    "deny", [Deny(subscribe=["a/#"]), Deny(publish=["a/#"]), Deny(subscribe=["#"]), Deny(publish=["+/+"])]
)
def test_what_is_denied_tells_nothing(deny: Deny) -> None:
    assert found([CONNECT, Grant(publish=["a/{principal}"], subscribe=["a/+"]), deny]) == []


@pytest.mark.parametrize(
    ("client_id", "subscribed", "topic"),
    [
        (OWN, "$aws/events/presence/connected/+", "$aws/events/presence/connected/{principal}"),
        (f"{OWN}/*", "$aws/events/presence/#", "$aws/events/presence/connected/{principal}/any"),
        (OWN, "$aws/events/subscriptions/+/#", "$aws/events/subscriptions/subscribed/{principal}"),
    ],
)
def test_events_about_clients_tell_their_ids(client_id: str, subscribed: str, topic: str) -> None:
    blocks = [Grant(connect=[client_id], subscribe=[subscribed])]
    assert found(blocks) == found(blocks, topic_prefix="shop") == [f"{subscribed} {topic}"]


def test_the_topic_prefix_is_part_of_the_topics() -> None:
    blocks = [Grant(publish=["{principal}"], subscribe=["+"])]
    assert found(blocks, topic_prefix="shop") == ["+ shop/{principal}"]


def test_an_entry_that_guests_do_not_have_tells_nothing() -> None:
    template = PolicyTemplate.load(ROOT / "policies" / "chat.toml")
    assert list(identity_findings(template)) == []
    locations = [each.location for each in identity_findings(template, {"rooms": ["lobby"]})]
    assert locations == [("grant", 1, "subscribe", 0)]
