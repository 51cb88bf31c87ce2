"""`iot-authorizer dev` in its own process, with a handler that allows everything."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.cli.dev import Dev
from tests.local.harness.function import allow

HANDLER = f"def lambda_handler(event, context):\n    return {allow()!r}\n"


def allow_files(count: int) -> None:
    """Raises this process's limit of open files, as far as the system allows."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count if most == resource.RLIM_INFINITY else min(most, count)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


@contextmanager
def everybody(folder: Path) -> Iterator[Dev]:
    """Starts it."""
    (folder / "authorizer.toml").write_text('name = "chat"\n')
    (folder / "everybody.py").write_text(HANDLER)
    with Dev(folder, "--handler", "everybody.lambda_handler", "--no-throttling", "--quiet") as dev:
        yield dev
