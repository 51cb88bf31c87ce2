"""What a Lambda function of this package starts from: its preparation, or else its configuration."""

import os
from pathlib import Path

from iot_authorizer.preparation import Preparation, read_preparation


def preparation_of(path: Path) -> Preparation:
    """Reads what the build prepared. Without that, reads and checks the configuration. Raises InvalidFile."""
    return read_preparation(path, os.environ) or _prepared(path)


def _prepared(path: Path) -> Preparation:
    # Otherwise pydantic reads the metadata of all packages for plugins, which takes milliseconds, and runs them.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "1")
    from iot_authorizer.configuration import load_configuration
    from iot_authorizer.preparing import prepare

    return prepare(load_configuration(path), path.parent)
