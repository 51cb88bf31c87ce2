"""What one thread prints is captured, and what others print is not."""

import gc
import sys
import threading
import weakref

import pytest

from iot_core.functions.captured_output import captured_output


def test_other_threads_print_as_usual(capsys: pytest.CaptureFixture[str]) -> None:
    with captured_output() as captured:
        print("mine")
        thread = threading.Thread(target=lambda: print("another's"))
        thread.start()
        thread.join()
    print("after")
    assert captured.text() == "mine\n"
    assert capsys.readouterr().out == "another's\nafter\n"


def test_captures_can_be_nested(capsys: pytest.CaptureFixture[str]) -> None:
    with captured_output() as outer:
        print("1")
        with captured_output() as inner:
            print("2")
        print("3")
    assert (outer.text(), inner.text()) == ("1\n3\n", "2\n")
    assert capsys.readouterr().out == ""


def test_standard_output_looks_the_same_in_a_capture_and_is_the_same_afterwards() -> None:
    before = sys.stdout
    with captured_output():
        assert sys.stdout.encoding == before.encoding
        assert sys.stdout.isatty() == before.isatty()
        assert sys.stdout.buffer is before.buffer
    assert sys.stdout is before


def test_a_capture_keeps_at_most_a_mebibyte() -> None:
    with captured_output() as captured:
        for _ in range(40):
            assert sys.stdout.write(100_000 * "x") == 100_000
    assert len(captured.text()) == 1024 * 1024


def test_the_standard_output_to_which_a_thread_may_still_print_after_a_capture_is_not_freed() -> None:
    with captured_output():
        used = weakref.ref(sys.stdout)
    gc.collect()
    assert used() is not None
