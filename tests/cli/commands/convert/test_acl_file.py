"""What is read from an ACL file, and what is wrong in it."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iot_authorizer_cli.commands.convert.acl_file import AclRule, read_acl

NEW_LINES = ("\n", "\r\n")


def rules(text: str) -> dict[str | None, list[tuple[str, str]]]:
    """The `topic` rules by user; the patterns as those of `%`."""
    acl, bad = read_acl(text.encode())
    assert bad == []
    every = [*acl.topics.items(), *([("%", acl.patterns)] if acl.patterns else [])]
    return {user: [(rule.access, rule.topic_filter) for rule in its] for user, its in every}


@pytest.mark.parametrize("new_line", NEW_LINES)
def test_rules_belong_to_the_user_above_them_or_to_clients_without_a_name(new_line: str) -> None:
    lines = [
        "topic a",
        "# user no",
        "user ann",
        "topic read b/#",
        "",
        "pattern write x/%u",
        "topic deny c",
        "user bob",
        "",
    ]
    assert rules(new_line.join(lines)) == {
        None: [("readwrite", "a")],
        "ann": [("read", "b/#"), ("deny", "c")],
        "bob": [],
        "%": [("write", "x/%u")],
    }


def test_a_user_can_have_several_sections() -> None:
    assert rules("user ann\ntopic a\nuser bob\ntopic b\nuser ann\ntopic c") == {
        "ann": [("readwrite", "a"), ("readwrite", "c")],
        "bob": [("readwrite", "b")],
    }


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("  topic   read    a b/c  \t", ("read", "a b/c")),
        ("topic readwrite read", ("readwrite", "read")),
        ("topic write %u/%c", ("write", "%u/%c")),
        ("topic #", ("readwrite", "#")),
        ("topic +/+/#", ("readwrite", "+/+/#")),
        ("topic /", ("readwrite", "/")),
        ("topic é/ß", ("readwrite", "é/ß")),
        ("\ufefftopic a", ("readwrite", "a")),
    ],
)
def test_spaces_and_a_byte_order_mark_count_for_nothing(line: str, rule: tuple[str, str]) -> None:
    assert rules(line) == {None: [rule]}


def test_a_user_name_can_have_spaces() -> None:
    assert rules("user  a b \ntopic x") == {"a b": [("readwrite", "x")]}


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b"topic", "expected a topic filter behind topic"),
        (b"pattern  ", "expected a topic filter behind pattern"),
        (
            b"topic read",
            'expected a topic filter behind "topic read": for a topic with this name, write "topic readwrite',
        ),
        (b"topic all a", 'expected read, write, readwrite or deny, found "all": a topic filter with spaces'),
        (b"topic\tread a", "found a tab: mosquitto separates words by spaces only"),
        (b"topic read a\tb", "found a tab"),
        (b"topic a\x00b", "found a control character (U+0000)"),
        (b"user", "expected a name behind user"),
        (b"user   ", "expected a name behind user"),
        (b"topic a/#/b", '"a/#/b": + and # must be a whole level, and # the last one'),
        (b"topic a+/b", "+ and # must be a whole level"),
        (b"topic b/a#", "+ and # must be a whole level"),
        (b"topic " + b"a/" * 201, "expected at most 200 slashes"),
        (b"topic \xff", "not in UTF-8"),
        (b" # a comment", 'expected user, topic, pattern or a # in the first column, found "#"'),
        (b"Topic a", 'found "Topic"'),
    ],
)
def test_a_wrong_line_is_reported_with_its_number_and_what_was_expected(line: bytes, problem: str) -> None:
    acl, ((number, found),) = read_acl(b"user ann\n" + line + b"\ntopic b\n")
    assert (number, acl.topics) == (2, {"ann": [AclRule(3, "topic", "readwrite", "b")]})
    assert problem in found


@given(st.binary(max_size=60))
def test_any_bytes_are_read(content: bytes) -> None:
    read_acl(b"user ann\ntopic " + content)


def test_100_000_lines_are_read_in_seconds() -> None:
    begun = time.process_time()
    acl, bad = read_acl(b"".join(b"user u%d\ntopic a/%d\n" % (number, number) for number in range(50_000)))
    assert (len(acl.topics), bad) == (50_000, [])
    assert time.process_time() - begun < 10
