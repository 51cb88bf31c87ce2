"""The Lambda function: `iot_authorizer.handler.lambda_handler`, configured by `authorizer.toml`.

The environment variable AUTHORIZER_CONFIG names another file. An invalid file stops the function when it starts.
"""

import gc
import os

gc.disable()
# Otherwise pydantic reads the metadata of all packages for plugins, which takes milliseconds, and runs what it finds.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "1")

from pathlib import Path

from iot_authorizer.building import build
from iot_authorizer.configuration import load_configuration
from iot_authorizer.configured_texts import CONFIG_VARIABLE
from iot_authorizer.lambda_handler import LambdaHandler, starts_ahead
from iot_authorizer.observer import Observer


def _start(path: Path) -> LambdaHandler:
    configuration = load_configuration(path)
    observer = Observer(configuration.name)
    authorizer = build(configuration, path.parent, observer.keys_fetched)
    if starts_ahead(os.environ):
        from iot_authorizer.rehearsal import rehearse

        rehearse(authorizer, configuration, path.parent)
    return LambdaHandler(authorizer, observer)


lambda_handler = _start(Path(os.environ.get(CONFIG_VARIABLE, "authorizer.toml")))

gc.freeze()
gc.enable()
