"""The Lambda function: `iot_authorizer.handler.lambda_handler`, configured by `authorizer.toml`.

The environment variable AUTHORIZER_CONFIG names another file. An invalid file stops the function when it starts.
"""

import gc

gc.disable()

import os
from pathlib import Path

from iot_authorizer.building import build
from iot_authorizer.configured_texts import CONFIG_VARIABLE
from iot_authorizer.lambda_handler import LambdaHandler
from iot_authorizer.observer import Observer
from iot_authorizer.preparation import Preparation, read_preparation


def _start(path: Path) -> LambdaHandler:
    preparation = read_preparation(path, os.environ) or _prepared(path)
    observer = Observer(preparation.name)
    return LambdaHandler(build(preparation, observer.keys_fetched), observer)


def _prepared(path: Path) -> Preparation:
    """Reads and checks the configuration. Raises InvalidFile."""
    # Otherwise pydantic reads the metadata of all packages for plugins, which takes milliseconds, and runs them.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "1")
    from iot_authorizer.configuration import load_configuration
    from iot_authorizer.preparing import prepare

    return prepare(load_configuration(path), path.parent)


lambda_handler = _start(Path(os.environ.get(CONFIG_VARIABLE, "authorizer.toml")))

gc.freeze()
gc.enable()
