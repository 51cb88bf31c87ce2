"""The Lambda function of the credentials endpoint: `iot_authorizer.credentials_handler.lambda_handler`.

`[credentials]` of `authorizer.toml` configures it; the rest of the file says which clients get credentials, as for the
authorizer. An invalid file stops the function when it starts.
"""

import gc

gc.disable()

import os
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path

from iot_authorizer import development
from iot_authorizer.building import build
from iot_authorizer.client_role import StsRole, development_role
from iot_authorizer.configured_texts import CONFIG_VARIABLE
from iot_authorizer.credentials_endpoint import CredentialsHandler
from iot_authorizer.observer import Observer
from iot_authorizer.preparation import PreparedEndpoint
from iot_authorizer.starting import preparation_of
from iot_authorizer.temporary_credentials import ClientRole
from iot_policies import InvalidFile

_SET_BY_THE_CONSTRUCT = "missing: the construct sets it for the function of the endpoint, as AUTHORIZER__CREDENTIALS__"


def _start(path: Path) -> CredentialsHandler:
    preparation = preparation_of(path)
    endpoint = preparation.endpoint
    if endpoint is None:
        raise InvalidFile(path, None, "credentials", "missing: the credentials endpoint needs this table")
    observer = Observer(f"{preparation.name}-credentials")
    authorizer = build(preparation, observer.keys_fetched)
    return CredentialsHandler(authorizer, _role(path, endpoint), origins=endpoint.origins, observer=observer)


def _role(path: Path, endpoint: PreparedEndpoint) -> Callable[[], ClientRole]:
    file = development.file_named_by(development.STS, os.environ)
    if file is not None:  # It is written when the ports are known, which is after this function has loaded.
        return cache(partial(development_role, file))
    for key, value in (("role", endpoint.role), ("endpoint", endpoint.host)):
        if value is None:
            raise InvalidFile(path, None, f"credentials.{key}", f"{_SET_BY_THE_CONSTRUCT}{key.upper()}")
    role = StsRole(endpoint.role or "", endpoint.host or "")
    return lambda: role


lambda_handler = _start(Path(os.environ.get(CONFIG_VARIABLE, "authorizer.toml")))

gc.freeze()
gc.enable()
