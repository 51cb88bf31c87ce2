"""`LocalIotCore` before it is started."""

from collections.abc import Callable
from pathlib import Path

import pytest

from iot_authorizer_cli.local_iot_core import LocalIotCore


@pytest.mark.parametrize(
    "use",
    [
        lambda core: core.token("ann"),
        lambda core: core.url,
        lambda core: core.tls_url,
        lambda core: core.ca_path,
    ],
    ids=["token", "url", "tls_url", "ca_path"],
)
def test_before_it_is_started_it_says_how_to_start_it(folder: Path, use: Callable[[LocalIotCore], object]) -> None:
    with pytest.raises(RuntimeError, match="not started: use `async with`"):
        use(LocalIotCore(folder / "authorizer.toml", port=8080))
