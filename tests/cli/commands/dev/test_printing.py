"""Lines on standard error."""

import pytest

from iot_authorizer_cli.commands.dev.printing import Terminal, line_of


def test_all_lines_are_printed_by_the_end(capfd: pytest.CaptureFixture[str]) -> None:
    with Terminal() as terminal:
        terminal.print("one")
        terminal.print("two")
    assert capfd.readouterr().err == "one\ntwo\n"


def test_text_that_is_not_utf_8_is_escaped(capfd: pytest.CaptureFixture[str]) -> None:
    with Terminal() as terminal:
        terminal.print("\ud800")
    assert capfd.readouterr().err == "\\ud800\n"


@pytest.mark.parametrize(("more", "told"), [(1, "1 line"), (3, "3 lines")])
def test_lines_without_room_are_dropped_and_counted(capfd: pytest.CaptureFixture[str], more: int, told: str) -> None:
    terminal = Terminal()
    for number in range(1_000 + more):  # Nothing is printed yet.
        terminal.print(str(number))
    with terminal:
        pass
    lines = capfd.readouterr().err.splitlines()
    assert lines[-2:] == ["999", f"dropped {told}: standard error was not read"]


@pytest.mark.parametrize(
    ("fields", "rest"),
    [
        ({"output": "hi"}, " action=lambda resource=chat-on_say output=hi"),
        ({"attempt": 2, "problem": "no"}, " action=lambda resource=chat-on_say attempt=2 problem=no"),
    ],
)
def test_a_rule_is_one_line_with_what_its_function_printed_or_its_problem(fields: dict[str, object], rest: str) -> None:
    known = {"kind": "rule", "rule": "chat_on_say", "topic": "a/b", "action": "lambda", "resource": "chat-on_say"}
    assert line_of({**known, **fields}) == f"rule chat_on_say: a/b{rest}"


def test_a_reason_code_is_printed_once() -> None:
    known = {"kind": "decision", "action": "refresh", "resource": "ann", "allowed": False, "reason": "nothing_granted"}
    line = line_of({**known, "explanation": ["nothing_granted: no grant applies to this principal"]})
    assert line == "refused: refresh ann reason=nothing_granted: no grant applies to this principal"
