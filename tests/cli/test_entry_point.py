"""The program, before the command line is loaded."""

import subprocess
import sys


def test_a_missing_package_is_one_line_that_says_how_to_install_it() -> None:
    script = "import sys; sys.modules['typer'] = None; from iot_authorizer_cli.entry_point import main; main()"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "iot-authorizer: typer is not installed: install this package with its extra `local`\n"


def test_ctrl_c_while_it_loads_prints_no_traceback() -> None:
    script = """
import sys
class Interrupted:
    def find_spec(self, name, *_):
        if name == "iot_authorizer_cli.app":
            raise KeyboardInterrupt
sys.meta_path.insert(0, Interrupted())
from iot_authorizer_cli.entry_point import main
main()
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


def test_standard_files_that_are_closed_are_opened_for_dev_and_stay_open_in_new_processes() -> None:
    script = """
import subprocess, sys
sys.argv = ["iot-authorizer", "dev"]
from iot_authorizer_cli import entry_point
look = "import os; [os.fstat(number) for number in range(3)]"
entry_point.load = lambda _: sys.exit(subprocess.call([sys.executable, "-c", look]))
entry_point.main()
"""
    closed = ["sh", "-c", 'exec "$0" -c "$1" <&- >&- 2>&-', sys.executable, script]
    assert subprocess.run(closed, check=False).returncode == 0
