"""What `iot-authorizer dev` prints when it is ready: what to open, and what to paste into another terminal."""

import json
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from local.connect_command import CLAIMS
from local.console.presets import presets
from local.console.suggestions import suggestions
from local.core import LocalIotCore
from local.development import DATA
from policies import PolicyError, PolicyTemplate, Principal, compile_policy

_URL = "http://localhost:8080"
"""Where the other commands look for it unless told otherwise."""


class Example(NamedTuple):
    """A principal of the template's, and something that it may do."""

    principal: str
    claims: str
    """JSON."""
    client_id: str
    topic: str
    topic_filter: str


def greeting(core: LocalIotCore, folder: Path) -> str:
    """The text, for a terminal; `folder` is the data folder."""
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
Ctrl-C ends it.
"""


def example(template: PolicyTemplate) -> Example | None:
    """Somebody who may connect, publish and subscribe; None where a template has nobody."""
    for preset in presets(template):
        principal = Principal(preset["principal"], preset["claims"])
        try:
            documents = compile_policy(template, principal, None).documents(region="", account="")
        except PolicyError:
            continue
        found = suggestions(template, principal, None, documents, "arn:aws:iot:::")
        topics = [each["text"] for each in found["publish"] if each["allowed"]]
        filters = [each["text"] for each in found["subscribe"] if each["allowed"]]
        if found["client_id"] and topics and filters:
            client_id = found["client_id"].replace("*", "example")
            claims = json.dumps(preset["claims"])
            return Example(principal.name, claims, client_id, topics[0], filters[0])
    return None


def _commands(core: LocalIotCore, folder: Path, name: str) -> Iterator[str]:
    program, data = _beside("iot-authorizer"), "" if folder == DATA else f" --data {shlex.quote(str(folder))}"
    endpoint = "" if core.url == _URL else f" --endpoint {core.url}"
    template = core.configuration.template
    found = example(template) if template is not None else None
    if found is None:
        yield "  # a program for a client; --help says how to give it your credentials\n"
        yield f"  {program} connect --for paho --authorizer {name}{endpoint}{data}\n"
        return
    who = f"--principal {shlex.quote(found.principal)}"
    who += "" if found.claims == CLAIMS else f" --claims {shlex.quote(found.claims)}"
    where = f" --topic {shlex.quote(found.topic)}{endpoint}{data}"
    listens = f" --client-id {shlex.quote(found.client_id)} --subscribe {shlex.quote(found.topic_filter)}"
    yield f"  # {found.principal}, over WebSocket: listens, and publishes\n"
    yield f"  {program} connect --for paho {who}{listens}{where} | {_beside('python')} -\n\n"
    yield f"  # {found.principal}, over HTTPS\n"
    yield f"  {program} connect --for curl {who}{where} | sh\n\n"
    yield "  # what the Lambda answers, by AWS's own tool\n"
    key = core.configuration.configured.description.token_key_name or "access_token"
    context = json.dumps({"clientId": found.client_id})
    yield (
        f"  {_beside('aws')} iot test-invoke-authorizer --endpoint-url {core.url} --region {core.region}"
        f" --no-sign-request --authorizer-name {name} --mqtt-context {shlex.quote(context)}"
        f' --http-context "{{\\"queryString\\": \\"?{key}=$({program} token {who}{data})\\"}}"\n'
    )


def _beside(program: str) -> str:
    """A program of this environment, as one types it in this folder, whatever another terminal's PATH is."""
    path = Path(sys.executable).with_name(program)
    if not path.exists():
        return program
    here = Path.cwd()
    return shlex.quote(str(path.relative_to(here) if path.is_relative_to(here) else path))
