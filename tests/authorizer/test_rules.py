"""`[[rule]]`: its settings, its topic rules, and the handler that calls a function for each message."""

import base64
import importlib
import subprocess
import sys
from collections.abc import Callable
from itertools import product
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iot_authorizer.configuration import PartialConfiguration, load_partial_configuration
from iot_authorizer.rule_settings import RULE_FUNCTION, overlap
from iot_policies import InvalidFile
from iot_policies.topics import matches

RULE = '[[rule]]\nname = "on_say"\ntopics = ["rooms/+/say/+"]\nfunction = "my_rules.on_message"\n'


def configuration(folder: Path, text: str) -> PartialConfiguration:
    path = folder / "authorizer.toml"
    path.write_text(text)
    return load_partial_configuration(path, {})[0]


def filters(folder: Path, text: str) -> list[tuple[str, str]]:
    return [
        (each.name, each.topic_filter) for _, topics in configuration(folder, text).rules.values() for each in topics
    ]


def test_a_rule_is_named_after_the_authorizer_of_its_stage(tmp_path: Path) -> None:
    assert filters(tmp_path, f'name = "chat-dev"\n{RULE}') == [("chat_dev_on_say", "rooms/+/say/+")]


def test_each_filter_is_a_rule_below_the_topic_prefix_but_for_reserved_topics(tmp_path: Path) -> None:
    text = RULE.replace('"rooms/+/say/+"', '"rooms/+/say/+", "$aws/events/presence/connected/#"')
    assert filters(tmp_path, f'name = "chat"\ntopic_prefix = "dev"\n{text}') == [
        ("chat_on_say_1", "dev/rooms/+/say/+"),
        ("chat_on_say_2", "$aws/events/presence/connected/#"),
    ]


def test_a_condition_is_the_where_of_each_rule(tmp_path: Path) -> None:
    rules = configuration(tmp_path, f"{RULE}where = \"kind = 'alarm'\"\n").rules["on_say"][1]
    assert [rule.sql.partition(" FROM ")[2] for rule in rules] == ["'rooms/+/say/+' WHERE kind = 'alarm'"]


@pytest.mark.parametrize(("text", "loads"), [("", False), (RULE, True)])
def test_only_a_configuration_with_rules_loads_their_settings(tmp_path: Path, text: str, loads: bool) -> None:
    path = tmp_path / "authorizer.toml"
    path.write_text(text)
    load = f"load_partial_configuration(Path({str(path)!r}), {{}})"
    program = f"import sys\nfrom pathlib import Path\nfrom iot_authorizer.configuration import *\n{load}\n"
    shown = "print('iot_authorizer.rule_settings' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program + shown], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == str(loads)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('"on_say"', '"on-say"', "rule[0].name: "),
        ('"on_say"', f'"{"a" * 65}"', "rule[0].name: "),
        ('"rooms/+/say/+"', "", "rule[0].topics: "),
        ('"rooms/+/say/+"', '"rooms/#/say"', "+ and # must be"),
        ('"rooms/+/say/+"', '"rooms/a+"', "+ and # must be"),
        ('"rooms/+/say/+"', '"it\'s"', "a quote"),
        ('"rooms/+/say/+"', '"rooms/{claims.rooms}/say"', "write + for a level"),
        ('"rooms/+/say/+"', "'a\\b'", "a backslash"),
        ('"rooms/+/say/+"', '"a/\\u0000"', "unprintable"),
        ('"rooms/+/say/+"', '"$share/g/a"', "shared subscription"),
        ('"rooms/+/say/+"', '"$SYS/#"', "start with $"),
        ('"rooms/+/say/+"', '"$aws/rules/x/#"', "basic ingest"),
        ('"rooms/+/say/+"', '"1/2/3/4/5/6/7/8/9"', "7 slashes"),
        ('"rooms/+/say/+"', '"rooms/#", "rooms/+/say/ann"', "match the same topics"),
        ('"my_rules.on_message"', '"on_message"', "rule[0].function: "),
        ('"my_rules.on_message"', '"arn:aws:sns:eu-west-1:123456789012:x"', "or the ARN"),
        ('"my_rules.on_message"', '"arn:aws:lambda:eu-west-1:123456789012:function:f:$LATEST"', "without $LATEST"),
        ("function", 'where = "a = 1\\n"\nfunction', "one line of SQL"),
        ("function", 'were = "a = 1"\nfunction', "rule[0].were: is not a key"),
        ("topics", "topic", "rule[0].topic: is not a key"),
    ],
)
def test_a_wrong_rule_is_refused(tmp_path: Path, old: str, new: str, expected: str) -> None:
    with pytest.raises(InvalidFile) as refused:
        configuration(tmp_path, RULE.replace(old, new))
    assert expected in str(refused.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (RULE + RULE, "rule[1].name: found on_say twice"),
        (
            RULE.replace('"]', '", "a"]') + RULE.replace("on_say", "on_say_1"),
            "rule[1].name: in IoT Core, authorizer_on_say_1 would be the name of two rules",
        ),
        (f'name = "{"a" * 128}"\n{RULE}', "128 characters"),
        (f'topic_prefix = "1/2/3/4/5"\n{RULE}', "7 slashes"),
    ],
)
def test_rules_that_cannot_be_made_are_refused(tmp_path: Path, text: str, expected: str) -> None:
    found = configuration(tmp_path, text)
    with pytest.raises(InvalidFile) as refused:
        found.rules  # noqa: B018 (it raises)
    assert expected in str(refused.value)


_LEVELS = ["a", "b", "$aws"]
_TOPICS = ["/".join(levels) for count in range(1, 4) for levels in product(_LEVELS, repeat=count)]
_FILTERS = st.builds(
    lambda levels, end: "/".join([*levels, *end]),
    st.lists(st.sampled_from(["a", "b", "+", "$aws"]), min_size=1, max_size=3),
    st.sampled_from([[], ["#"]]),
)


@given(_FILTERS, _FILTERS)
def test_two_filters_overlap_if_a_topic_matches_both(one: str, other: str) -> None:
    topics = [*_TOPICS, *(f"{topic}/a" for topic in _TOPICS)]
    both = any(matches(one, topic) and matches(other, topic) for topic in topics)
    assert overlap(one, other) == both


@pytest.fixture
def handler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], ModuleType]:
    """Loads the handler for a module `my_rules` of this text."""

    def load(text: str) -> ModuleType:
        (tmp_path / "my_rules.py").write_text(text)
        monkeypatch.syspath_prepend(str(tmp_path))
        monkeypatch.setenv(RULE_FUNCTION, "my_rules.on_message")
        for name in ("my_rules", "iot_authorizer.rule_handler"):
            sys.modules.pop(name, None)
        return importlib.import_module("iot_authorizer.rule_handler")

    return load


_UNCLEAR = (b'"\\ud800"', b"[1e999]", b'{"role": "guest", "role": "admin"}', b"[" * 101 + b"]" * 101)
"""JSON that parsers read differently."""


@pytest.mark.parametrize(
    ("selected", "expected"),
    [
        (b'{"text": "hi"}', {"payload": {"text": "hi"}}),
        (b"null", {"payload": None}),
        (b"", {"payload_base64": ""}),
        (b"\xff", {"payload_base64": "/w=="}),
        (b"NaN", {"payload_base64": "TmFO"}),
        (b'"\\ud83d\\ude00"', {"payload": "\U0001f600"}),
        *((text, {"payload_base64": base64.b64encode(text).decode()}) for text in _UNCLEAR),
    ],
)
def test_the_function_gets_json_as_json_and_anything_else_in_base64(
    handler: Callable[[str], ModuleType], selected: bytes, expected: dict[str, object]
) -> None:
    module = handler("calls = []\ndef on_message(event, context):\n    calls.append((event, context))\n    return 7\n")
    event = {"payload_base64": base64.b64encode(selected).decode(), "topic": "a", "client_id": "ann/1"}
    assert module.lambda_handler({**event, "principal": "ann", "timestamp": 5}, "context") == {}
    known = {"topic": "a", "client_id": "ann/1", "principal": "ann", "timestamp": 5}
    assert sys.modules["my_rules"].calls == [({**known, **expected}, "context")]


def test_a_message_without_an_mqtt_client_has_no_client_id_and_perhaps_no_principal(
    handler: Callable[[str], ModuleType],
) -> None:
    module = handler("def on_message(event, context): ...\n")
    event = module.message_event({"payload_base64": "MQ==", "topic": "a", "client_id": "n/a", "timestamp": 5})
    assert event == {"topic": "a", "client_id": None, "principal": None, "timestamp": 5, "payload": 1}


def test_a_function_that_does_not_exist_stops_the_start(handler: Callable[[str], ModuleType]) -> None:
    with pytest.raises(InvalidFile, match=r"my_rules\.py: there is no function on_message"):
        handler("")


def test_what_the_function_raises_reaches_lambda(handler: Callable[[str], ModuleType]) -> None:
    module = handler("def on_message(event, context):\n    raise KeyError('no')\n")
    with pytest.raises(KeyError):
        module.lambda_handler({"payload_base64": "", "topic": "a", "timestamp": 5}, None)
