"""`send`, `receive` and `read`: their statements, what is refused at load, findings and explanations."""

import json
from contextlib import nullcontext
from pathlib import Path

import pytest

from iot_policies import Deny, Grant, InvalidFile, InvalidTopics, PolicyTemplate, Principal, Send, compile_policy
from iot_policies.account_region import EXAMPLE_PLACE
from iot_policies.explaining import Question, explain
from iot_policies.linter import lint
from iot_policies.proofs.who_can import who_can
from iot_policies.testing.cases import load_tests, run_tests

OLIVIA = Principal("olivia", {"pumps": ["p1", "p2"], "rooms": ["a", "b"]})
CONNECT = Grant(connect=("{principal}",), connect_with=())


def sends(to: str, *topics: str) -> Grant:
    return Grant(name="g", send=(Send(to=to, topics=topics),))


def statements(*blocks: Grant | Deny) -> set[tuple[str, tuple[str, ...], tuple[str, ...]]]:
    """The statements about direct messages: their effect, receivers and topics."""
    found: set[tuple[str, tuple[str, ...], tuple[str, ...]]] = set()
    for heading, resources in compile_policy(PolicyTemplate.of(blocks), OLIVIA).statements:
        assert heading.actions == ("iot:SendDirectMessage",)
        assert heading.condition is not None
        found.add((heading.effect, resources, (*heading.condition["StringLike"]["iot:Topic"],)))
    return found


@pytest.mark.parametrize(
    ("grant", "expected"),
    [
        (sends("x", "a", "b/#"), {("Allow", ("client/x",), ("a", "b/*"))}),
        (sends("{claims.pumps}", "all"), {("Allow", ("client/p1", "client/p2"), ("all",))}),
        (sends("x", "r/{claims.rooms}"), {("Allow", ("client/x",), ("r/a", "r/b"))}),
        (
            sends("{claims.pumps}", "p/{claims.pumps}"),
            {("Allow", ("client/p1",), ("p/p1",)), ("Allow", ("client/p2",), ("p/p2",))},
        ),
        (sends("x", "a/+"), {("Allow", ("client/x",), ("a/*",)), ("Deny", ("client/x",), ("a/*/*",))}),
        (sends("x/*", "#"), {("Allow", ("client/x/*",), ("*",)), ("Deny", ("client/x/*",), ("$*",))}),
    ],
)
def test_receivers_share_a_statement_only_if_they_have_the_same_topics(
    grant: Grant, expected: set[tuple[str, tuple[str, ...], tuple[str, ...]]]
) -> None:
    assert statements(grant) == expected


@pytest.mark.parametrize("letter", ["x", "\u00e9"])
def test_more_topics_than_fit_into_a_document_become_several_statements(letter: str) -> None:
    topics = [f"{number}/{letter * 40}" for number in range(60)]
    documents = compile_policy(PolicyTemplate.of([sends("x", *topics)]), OLIVIA).documents(EXAMPLE_PLACE)
    conditions = [one["Condition"]["StringLike"]["iot:Topic"] for each in documents for one in each["Statement"]]
    found = [topic for topics in conditions for topic in topics]
    assert (len(documents) > 1, found) == (True, topics)


@pytest.mark.parametrize(
    ("grant", "problem"),
    [
        (sends("x", "$aws/things/x/shadow/update"), "direct messages on topics that start with"),
        (sends("x", "$share/g/a"), "direct messages on topics that start with"),
        (sends("x", "a\tb"), "control characters"),
        (sends("", "a"), "found an empty string"),
        (sends("x", ""), "found an empty string"),
        (sends("x\ty", "a"), "control characters"),
        (sends("x-*", "a"), "a * must be the last character, after a /"),
        (sends("+", "a"), "no meaning in client IDs"),
        (sends("x", "a/+/b/#"), "no IoT policy can express"),
        (Grant(receive=("$share/g/a",)), "allowed only in subscribe"),
        (Grant(read=("a*",)), "write + for one level"),
    ],
)
def test_what_no_policy_can_say_is_refused(grant: Grant, problem: str) -> None:
    with pytest.raises(InvalidTopics, match=problem.replace("*", r"\*").replace("+", r"\+")):
        PolicyTemplate.of([grant])


@pytest.mark.parametrize(
    ("text", "place", "problem"),
    [
        ('send = [{ to = "x" }]', "grant[0].send[0].topics", "is missing"),
        ('send = [{ to = "x", topics = "a" }]', "grant[0].send[0].topics", "expected a list"),
        ('send = [{ to = "x", topic = ["a"] }]', "grant[0].send[0].topic", "is not a key of this table"),
        ('send = [{ to = "x", topics = [] }]', "grant[0].send[0].topics", "at least 1"),
        ('send = ["x"]', "grant[0].send[0]", "expected a table"),
        ('send = [{ to = "x", topics = ["a", "b/+/c/#"] }]', "grant[0].send[0].topics[1]", "no IoT policy"),
    ],
)
def test_the_error_names_the_place(text: str, place: str, problem: str) -> None:
    with pytest.raises(InvalidFile) as caught:
        PolicyTemplate.parse(f"[[grant]]\n{text}\n".encode(), "x.toml")
    assert f"x.toml:2: {place}" in str(caught.value)
    assert problem in str(caught.value)


@pytest.mark.parametrize(
    ("one", "other", "is_refused"),
    [
        (sends("x", "a/+"), sends("x", "a/b/c"), True),
        (sends("x", "a/+"), sends("y", "a/b/c"), False),
        (sends("{claims.pumps}", "a/+"), sends("y", "a/b/c"), True),
        (sends("x/*", "a/+"), sends("{principal}", "a/b/c"), False),
        (sends("x/*", "a/+"), sends("x/{principal}/y", "a/b/c"), True),
        (sends("*", "a/+"), sends("y", "a/b/c"), True),
        (sends("x", "a/+"), Grant(publish=("a/b/c",), receive=("a/b/c",), read=("a/b/c",)), False),
        (Grant(receive=("a/+",)), Grant(subscribe=("a/b/c",)), True),
    ],
)
def test_a_denial_conflicts_only_with_messages_to_the_same_receiver(one: Grant, other: Grant, is_refused: bool) -> None:
    with pytest.raises(InvalidTopics, match="for example") if is_refused else nullcontext():
        PolicyTemplate.of([one, other])


@pytest.mark.parametrize(
    ("grant", "finding"),
    [
        (sends("*", "a"), "every client that may receive them; name the receivers, or if that is meant, set"),
        (sends("x", "#"), "send direct messages everywhere, such as on"),
        (Grant(read=("+/a",)), "may read the retained message of it"),
        (Grant(receive=("#",)), "receive direct messages everywhere"),
        (sends("x", "a/{client_id}"), "needs a client ID, which HTTPS requests to a custom authorizer do not have"),
        (sends("x", "a/b/c/d/e/f/g/h/i"), "more than 7 slashes"),
        (sends("{claims.a}{claims.b}", "a"), "two placeholders in one level"),
    ],
)
def test_a_mistake_is_found(grant: Grant, finding: str) -> None:
    (found,) = [each for each in lint(PolicyTemplate.of([CONNECT, grant])) if each.severity == "warning"]
    assert finding in found.message


def test_a_message_to_any_client_can_be_meant() -> None:
    grant = sends("*", "a").model_copy(update={"acknowledge": ("any_receiver",)})
    found = [each for each in lint(PolicyTemplate.of([CONNECT, grant])) if each.word == "any_receiver"]
    assert [each.severity for each in found] == ["note"]


def test_a_receiver_and_a_topic_with_one_placeholder_each_are_no_mistake() -> None:
    template = PolicyTemplate.of([CONNECT, sends("{claims.pumps}", "{claims.pumps}/x")])
    assert [each for each in lint(template) if each.severity == "warning"] == []


TEMPLATE = PolicyTemplate.of(
    [
        sends("{claims.pumps}", "p/{claims.pumps}/reboot"),
        Grant(name="branch", send=(Send(to="shop/*", topics=("news/#",)),)),
        Grant(name="hear", receive=("n/+",)),
        Grant(name="see", read=("k/{principal}",)),
        Deny(when={"off": True}, send=(Send(to="*", topics=("#",)),)),
    ]
)


@pytest.mark.parametrize(
    ("question", "resource", "allowed", "reason"),
    [
        ("send", "p1 p/p1/reboot", True, 'by grant "g", send'),
        ("send", "p1\tp/p1/reboot", True, 'by grant "g", send'),
        ("send", "p1 p/p2/reboot", False, "needs the same claims.pumps at each place"),
        ("send", "p3 p/p1/reboot", False, 'allows the receiver "p1" or "p2", not "p3"'),
        ("send", "p1 p/p1/reset", False, 'has "reboot" where the topic has "reset"'),
        ("send", "shop/a/b news/x", True, 'by grant "branch"'),
        ("send", "shop news/x", False, 'allows the receiver "shop/*", not "shop"'),
        ("send", "p1", False, ""),
        ("receive", "n/x", True, 'by grant "hear"'),
        ("subscribe", "n/x", False, "only allows to receive direct messages on it; list it under subscribe"),
        ("read", "k/olivia", True, 'by grant "see"'),
        ("read", "k/bob", False, 'principal is "olivia", the topic needs "bob"'),
        ("publish", "a\tb", False, ""),
    ],
)
def test_the_answer_names_the_entry_or_what_it_lacks(
    question: Question, resource: str, allowed: bool, reason: str
) -> None:
    found = explain(TEMPLATE, OLIVIA, question, resource)
    assert found.allowed is allowed
    assert reason in "; ".join(found.reasons)


def test_a_deny_of_messages_wins() -> None:
    found = explain(TEMPLATE, Principal("olivia", {"pumps": "p1", "off": True}), "send", "p1 p/p1/reboot")
    assert (found.allowed, found.reasons) == (False, ('by deny[0], send = { to = "*", topics = ["#"] }',))


def test_a_topic_with_a_tab_is_one_topic() -> None:
    template = PolicyTemplate.of([Grant(publish=("+",))], topic_prefix="")
    assert explain(template, OLIVIA, "publish", "a\tb").allowed
    assert who_can(template, "publish", "a\tb").example() is not None


def test_who_can_send_is_answered_for_receiver_and_topic_together() -> None:
    found = who_can(TEMPLATE, "send", "p9 p/p9/reboot")
    assert [way.values for way in found.ways] == [(("claims.pumps", "p9"),)]
    example = found.example()
    assert example is not None
    assert example.claims == {"pumps": "p9"}
    assert who_can(TEMPLATE, "send", "p8 p/p9/reboot").example() is None


def test_lines_of_tests_name_a_receiver_and_a_topic(tmp_path: Path) -> None:
    (tmp_path / "t.toml").write_text("[[grant]]\n")
    lines = {"may": ["send p1 p/p1/reboot", "read k/olivia"], "may_not": ["send p1 p/p2/reboot"]}
    test = 'policy = "t.toml"\n[[test]]\nprincipal = "olivia"\nclaims = { pumps = ["p1", "p2"] }\n'
    path = tmp_path / "t.test.toml"
    path.write_text(test + "".join(f"{key} = {json.dumps(found)}\n" for key, found in lines.items()))
    cases = load_tests(path, lambda *_: None).cases
    assert [outcome.passed for outcome in run_tests(TEMPLATE, cases)] == [True, True, True]
    assert str(cases[0]) == "olivia may send p1 p/p1/reboot"
    path.write_text(f'{test}may = ["send p1"]\n')
    with pytest.raises(InvalidFile, match="expected a client ID and a topic"):
        load_tests(path, lambda *_: None)
