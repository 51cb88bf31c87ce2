"""What `iot-authorizer dev` prints when it is ready: what to open, and what to paste into another terminal."""

import os
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

from local.core import LocalIotCore
from local.development import DATA

_URL = "http://localhost:8080"
"""Where the other commands look for it unless told otherwise."""


def greeting(core: LocalIotCore, folder: Path) -> str:
    """The text, for a terminal; `folder` is the data folder."""
    plain, tls = core.url.partition("//")[2], core.tls_url.partition("//")[2]
    name = core.configuration.configured.description.name
    return f"""\
IoT Core on this machine, with the authorizer {name} of {core.configuration.path}

  open      {core.url}
  MQTT      mqtt://{plain}   ws://{plain}/mqtt
  on TLS    mqtts://{tls}  wss://{tls}/mqtt  CA: {core.ca_path}

Try it, in another terminal:

{"".join(_commands(core, folder, name))}
Ctrl-C ends it.
"""


def _commands(core: LocalIotCore, folder: Path, name: str) -> Iterator[str]:
    program = _beside("iot-authorizer")
    data = "" if folder == DATA else f" --data {shlex.quote(str(folder))}"
    endpoint = "" if core.url == _URL else f" --endpoint {core.url}"
    yield "  # ann, over WebSocket: she speaks in the lobby, and hears herself\n"
    yield f"  {program} connect --for paho --principal ann{endpoint}{data} | {_beside('python')} -\n\n"
    yield "  # bob, over HTTPS: whoever is in the lobby hears him\n"
    yield f"  {program} connect --for curl --principal bob{endpoint}{data} | sh\n\n"
    yield "  # what the Lambda answers, by AWS's own tool\n"
    key = core.configuration.configured.description.token_key_name or "token"
    yield (
        f"  {_beside('aws')} iot test-invoke-authorizer --endpoint-url {core.url} --region {core.region}"
        f' --no-sign-request --authorizer-name {name} --mqtt-context \'{{"clientId": "ann"}}\''
        f' --http-context "{{\\"queryString\\": \\"?{key}=$({program} token --principal ann{data})\\"}}"\n'
    )


def _beside(program: str) -> str:
    """A program of this environment, as one types it from here; its bare name where it is on the PATH anyway."""
    path = Path(sys.executable).with_name(program)
    if not path.exists() or str(path.parent) in os.environ.get("PATH", "").split(os.pathsep):
        return program
    here = Path.cwd()
    return shlex.quote(str(path.relative_to(here) if path.is_relative_to(here) else path))
