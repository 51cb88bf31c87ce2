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
from iot_authorizer.starting import preparation_of


def _start(path: Path) -> LambdaHandler:
    preparation = preparation_of(path)
    observer = Observer(preparation.name)
    return LambdaHandler(build(preparation, observer.keys_fetched), observer)


lambda_handler = _start(Path(os.environ.get(CONFIG_VARIABLE, "authorizer.toml")))

gc.freeze()
gc.enable()
