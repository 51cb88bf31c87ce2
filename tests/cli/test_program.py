"""The program, before there is a command line."""

import subprocess
import sys


def test_what_is_not_installed_is_one_line_that_says_how_to_get_it() -> None:
    script = "import sys; sys.modules['typer'] = None; from iot_authorizer_cli.program import main; main()"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "iot-authorizer: typer is not installed: run pip install 'iot-authorizer[local]'\n"


def test_ctrl_c_while_it_loads_leaves_no_stack() -> None:
    script = """
import sys
class Interrupted:
    def find_spec(self, name, *_):
        if name == "iot_authorizer_cli.app":
            raise KeyboardInterrupt
sys.meta_path.insert(0, Interrupted())
from iot_authorizer_cli.program import main
main()
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")
