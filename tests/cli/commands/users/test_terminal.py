"""`iot-authorizer users` at a pseudo-terminal with its own session."""

import os
import pty
import subprocess
import sys
from collections.abc import Callable

import pytest

from iot_identities.passwords import verify_password
from iot_identities.user import User, to_item
from tests.cli.commands.users.conftest import Users, csv_of

pytestmark = pytest.mark.slow

SECRET = "correct horse"
Session = Callable[..., tuple[int, str]]
AT_TERMINAL = """
import fcntl, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
from iot_authorizer_cli.entry_point import main
main()
"""
"""The program, with its standard input as its controlling terminal."""


@pytest.fixture
def at_terminal(users: Users) -> Session:
    """Runs the command at a terminal; answers each question when it is asked. Gives the exit code and the screen."""

    def at_terminal(*arguments: str, answers: tuple[tuple[str, str], ...] = ()) -> tuple[int, str]:
        terminal, its_end = pty.openpty()
        process = subprocess.Popen(
            [sys.executable, "-c", AT_TERMINAL, "users", *arguments],
            cwd=users.folder,
            env={**os.environ, "COLUMNS": "120", "TERM": "xterm"},
            stdin=its_end,
            stdout=its_end,
            stderr=its_end,
            start_new_session=True,
        )
        os.close(its_end)
        screen = b""
        for question, answer in answers:
            screen += _read_until(terminal, question.encode())
            os.write(terminal, answer.encode() + b"\n")
        screen += _read_until(terminal, None)
        os.close(terminal)
        return process.wait(), screen.decode()

    return at_terminal


def _read_until(terminal: int, text: bytes | None) -> bytes:
    """Reads what is printed up to a text, or to the end."""
    shown = b""
    while text is None or text not in shown:
        try:
            chunk = os.read(terminal, 4096)
        except OSError:  # Linux's end of a pseudo-terminal.
            chunk = b""
        if not chunk:
            assert text is None, shown
            break
        shown += chunk
    return shown


def test_a_password_is_asked_for_twice_and_not_shown(users: Users, at_terminal: Session) -> None:
    code, screen = at_terminal("add", "ann", answers=(("Password: ", SECRET), ("Repeat for confirmation: ", SECRET)))
    assert (code, SECRET in screen, screen.splitlines()[-1]) == (0, False, "added ann")
    assert verify_password(users.stored("ann").passwords[0].hash, SECRET.encode())


@pytest.mark.parametrize(
    ("first", "repeated", "told"),
    [
        (SECRET, "mistyped", "do not match"),
        ("short", "short", "a password has at least 8 characters: choose another password"),
    ],
    ids=["two that differ", "weak"],
)
def test_an_invalid_password_is_asked_for_again(
    users: Users, at_terminal: Session, first: str, repeated: str, told: str
) -> None:
    again = "Repeat for confirmation: "
    answers = (("Password: ", first), (again, repeated), ("Password: ", SECRET), (again, SECRET))
    code, screen = at_terminal("add", "ann", answers=answers)
    assert (code, told in screen) == (0, True)
    assert verify_password(users.stored("ann").passwords[0].hash, SECRET.encode())


def test_a_third_weak_password_ends_the_command(users: Users, at_terminal: Session) -> None:
    answers = (("Password: ", "short"), ("Repeat for confirmation: ", "short")) * 3
    code, screen = at_terminal("add", "ann", answers=answers)
    assert (code, "a password has at least 8 characters; --generate generates one" in screen, users.names()) == (
        2,
        True,
        [],
    )


def test_ctrl_c_at_the_prompt_adds_no_user(users: Users, at_terminal: Session) -> None:
    code, _ = at_terminal("add", "ann", answers=(("Password: ", "\x03"),))
    assert (code, users.names()) == (130, [])


@pytest.mark.parametrize(("answer", "code", "left"), [("y", 0, []), ("n", 1, ["ann"]), ("", 1, ["ann"])])
def test_remove_asks_first(users: Users, at_terminal: Session, answer: str, code: int, left: list[str]) -> None:
    users.table.write(to_item(User("ann")))
    exit_code, _ = at_terminal("remove", "ann", answers=(("Remove ann? [y/N]: ", answer),))
    assert (exit_code, users.names()) == (code, left)


def test_a_list_has_a_frame_and_no_markup(users: Users, at_terminal: Session) -> None:
    users.table.write(to_item(User("ann [bold]\x1b[31m", claims={"role": "[red]admin[/red]"})))
    _, screen = at_terminal("list")
    assert ("│ ann [bold]\\x1b[31m" in screen, '{"role":"[red]admin[/red]"}' in screen) == (True, True), screen


def test_an_import_shows_a_progress_bar(users: Users, at_terminal: Session) -> None:
    users.write("devices.csv", csv_of(30))
    code, screen = at_terminal("import", "devices.csv")
    assert (code, "30/30" in screen, "%" in screen) == (0, True, False), screen
