"""A handler in this process, as Lambda runs it."""

import sys
import threading
from pathlib import Path

import pytest

from iot_core.functions.lambda_function import BrokenHandler, LambdaFunction
from iot_core.functions.thread_output import captured_output


@pytest.fixture(autouse=True)
def in_folder(folder: Path) -> None:
    """Handlers are found in the folder."""


def load(folder: Path, text: str) -> LambdaFunction:
    (folder / "own.py").write_text(text)
    return LambdaFunction(folder / "authorizer.toml", "own.lambda_handler")


def test_the_context_is_lambdas(folder: Path) -> None:
    function = load(
        folder,
        "def lambda_handler(event, context):\n"
        "    left = context.get_remaining_time_in_millis()\n"
        "    return {'arn': context.invoked_function_arn, 'name': context.function_name, 'left': 0 < left <= 5000,\n"
        "            'id': context.aws_request_id, 'version': context.function_version,\n"
        "            'memory': context.memory_limit_in_mb, 'log': [context.log_group_name, context.log_stream_name]}\n",
    )
    first, second = (function.invoke({}).answer for _ in range(2))
    assert first["arn"] == "arn:aws:lambda:us-east-1:123456789012:function:authorizer"
    assert (first["name"], first["left"]) == ("authorizer", True)
    assert first["id"] != second["id"]


def test_the_handler_gets_an_event_of_its_own(folder: Path) -> None:
    function = load(folder, "def lambda_handler(event, context):\n    event.clear()\n    return {}\n")
    event = {"protocols": ["mqtt"]}
    function.invoke(event)
    assert event == {"protocols": ["mqtt"]}


def test_each_function_has_a_module_of_its_own(folder: Path) -> None:
    text = "counts = []\ndef lambda_handler(event, context):\n    counts.append(1)\n    return {'count': sum(counts)}\n"
    one, other = load(folder, text), load(folder, text)
    assert [function.invoke({}).answer["count"] for function in (one, one, other)] == [1, 2, 1]


def test_a_handler_that_fails_to_load_leaves_the_one_before_in_its_place(folder: Path) -> None:
    load(folder, "def lambda_handler(event, context):\n    return {}\n")
    before = sys.modules["own"]
    with pytest.raises(BrokenHandler, match="own does not load: ZeroDivisionError"):
        load(folder, "1 / 0\n")
    assert sys.modules["own"] is before


def test_a_handler_that_raises_names_the_place(folder: Path) -> None:
    function = load(folder, "def lambda_handler(event, context):\n    raise KeyError('sub')\n")
    with pytest.raises(BrokenHandler, match=r"KeyError: 'sub' at .*own\.py:2"):
        function.invoke({})


def test_what_it_prints_is_kept_from_the_terminal(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    text = "print('loading')\ndef lambda_handler(event, context):\n    print('handling')\n    return {}\n"
    load(folder, text).invoke({})
    assert capfd.readouterr().out == ""


def test_a_standard_output_that_was_kept_while_loading_is_read_too(folder: Path) -> None:
    text = (
        "import json, sys\n"
        "output = sys.stdout\n"
        "def lambda_handler(event, context):\n"
        "    output.write(json.dumps({'decision': 'refused', 'reason': 'late'}) + '\\n')\n"
        "    return {}\n"
    )
    function = load(folder, text)
    assert [function.invoke({}).decision["reason"] for _ in range(2)] == ["late", "late"]


def test_the_decision_is_the_first_line_that_has_one(folder: Path) -> None:
    text = (
        "def lambda_handler(event, context):\n"
        '    print(\'[1]\\n{\\n[[\\n{"a": 1}\\n{"decision": "allowed"}\\n{"decision": "refused"}\')\n'
        "    return {}\n"
    )
    assert load(folder, text).invoke({}).decision == {"decision": "allowed"}


def test_other_threads_print_on(capsys: pytest.CaptureFixture[str]) -> None:
    with captured_output() as captured:
        print("mine")
        thread = threading.Thread(target=lambda: print("another's"))
        thread.start()
        thread.join()
    print("after")
    assert captured.text() == "mine\n"
    assert capsys.readouterr().out == "another's\nafter\n"


def test_captures_may_be_nested(capsys: pytest.CaptureFixture[str]) -> None:
    with captured_output() as outer:
        print("1")
        with captured_output() as inner:
            print("2")
        print("3")
    assert (outer.text(), inner.text()) == ("1\n3\n", "2\n")
    assert capsys.readouterr().out == ""


def test_standard_output_is_as_it_was_afterwards() -> None:
    before = sys.stdout
    with captured_output():
        assert sys.stdout.encoding == before.encoding
        assert sys.stdout.isatty() == before.isatty()
        assert sys.stdout.buffer is before.buffer
    assert sys.stdout is before


def test_a_mebibyte_is_kept_and_no_more() -> None:
    with captured_output() as captured:
        for _ in range(40):
            assert sys.stdout.write(100_000 * "x") == 100_000
    assert len(captured.text()) == 1024 * 1024
