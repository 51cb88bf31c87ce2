"""`iot-authorizer dev` in a process of its own."""

import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Self

PROGRAM = Path(sys.executable).with_name("iot-authorizer")


class Dev:
    """A process that is started. Waits until it prints where it listens."""

    def __init__(self, folder: Path, *options: str, errors: int | None = None) -> None:
        """`folder` has the configuration, and gets the data folder. `errors` is a file to use as standard error."""
        self.folder = folder
        self._log = folder / "dev.log"
        self._errors = self._log.open("a")
        self.process = subprocess.Popen(
            [str(PROGRAM), "dev", "--port", "0", "--tls-port", "0", *options],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=self._errors if errors is None else errors,
            text=True,
        )
        self.greeting = self._read_greeting()

    @property
    def port(self) -> int:
        """The plain port."""
        return self._port("http")

    @property
    def tls_port(self) -> int:
        """The TLS port."""
        return self._port("wss")

    def _port(self, scheme: str) -> int:
        match = re.search(rf"{scheme}://localhost:(\d+)", self.greeting)
        assert match, self.log
        return int(match[1])

    @property
    def log(self) -> str:
        """What it wrote to standard error."""
        return self._log.read_text()

    def wait_for(self, lines: int) -> list[str]:
        """Waits until it has written so many lines to standard error, and returns all."""
        for _ in range(200):
            if len(found := self.log.splitlines()) >= lines:
                return found
            time.sleep(0.05)
        raise AssertionError(self.log)

    def ended_log(self) -> str:
        """Ends it, and returns what it wrote to standard error."""
        self.process.terminate()
        self.process.wait()
        return self.log

    def kill(self) -> None:
        """Ends it as the system does when it has no memory left: SIGKILL."""
        self.process.kill()
        self.process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait()
        self._errors.close()
        if self.process.stdout is not None:
            self.process.stdout.close()

    def _read_greeting(self) -> str:
        greeting = ""
        for line in self.process.stdout or ():
            greeting += line
            if "Ctrl-C" in line:
                break
        return greeting
