"""The text that `iot-authorizer dev` prints when it is ready: URLs, and commands for another terminal."""

import json
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

from iot_authorizer_cli.examples.proposal import example
from iot_authorizer_cli.local_iot_core import LocalIotCore
from iot_authorizer_cli.project.development_issuer import DATA

_CONFIGURATION = Path("authorizer.toml")
_URL = "http://localhost:8080"
"""The endpoint that other commands use by default."""


def greeting(core: LocalIotCore, folder: Path) -> str:
    """Builds the text; `folder` is the data folder."""
    plain, tls = core.url.partition("//")[2], core.tls_url.partition("//")[2]
    name = core.configuration.name
    whose = f"of {core.configuration.path}" if core.configuration.path.exists() else f"in {core.configuration.handler}"
    return f"""\
IoT Core on this machine, with the authorizer {name} {whose}

  open      {core.url}
  MQTT      mqtt://{plain}   ws://{plain}/mqtt
  on TLS    mqtts://{tls}  wss://{tls}/mqtt  CA: {core.ca_path}

Try it, in another terminal:

{"".join(_commands(core, folder, name))}
Press Ctrl-C to end it.
"""


def _commands(core: LocalIotCore, folder: Path, name: str) -> Iterator[str]:
    program, data = _beside("iot-authorizer"), "" if folder == DATA else f" --data {shlex.quote(str(folder))}"
    path = core.configuration.path
    config = "" if path == _CONFIGURATION or not path.exists() else f" --config {shlex.quote(str(path))}"
    where = f"{config}{'' if core.url == _URL else f' --endpoint {core.url}'}{data}"
    template = core.configuration.template
    found = example(template) if template is not None else None
    if found is None:
        yield "  # a program for a client; --help says how to give it your credentials\n"
        yield f"  {program} connect --for paho --authorizer {name}{where}\n"
        return
    principal = found.principal
    who = f"--principal {shlex.quote(principal.name)}"
    yield f"  # {principal.name}, over WebSocket: subscribes and publishes\n"
    yield f"  {program} connect --for paho {who}{where} | {_beside('python')} -\n\n"
    yield f"  # {principal.name}, over HTTPS\n"
    yield f"  {program} connect --for curl {who}{where} | sh\n\n"
    yield "  # the Lambda's answer, with AWS's own tool\n"
    key = core.configuration.configured.description.token_key_name or "access_token"
    context = json.dumps({"clientId": found.proposal.client_ids[0]})
    claims = shlex.quote(json.dumps(dict(principal.claims)))
    yield (
        f"  {_beside('aws')} iot test-invoke-authorizer --endpoint-url {core.url} --region {core.region}"
        f" --no-sign-request --authorizer-name {name} --mqtt-context {shlex.quote(context)}"
        f' --http-context "{{\\"queryString\\": \\"?{key}=$({program} token {who} --claims {claims}{data})\\"}}"\n'
    )


def _beside(program: str) -> str:
    """A program of this environment, as a user types it in this folder, whatever PATH is."""
    path = Path(sys.executable).with_name(program)
    if not path.exists():
        return program
    here = Path.cwd()
    return shlex.quote(str(path.relative_to(here) if path.is_relative_to(here) else path))
