"""The greeting of `dev`: the URLs, and commands to try, which work as they are printed."""

import json
import shlex
from collections.abc import Iterator
from pathlib import Path

from iot_authorizer_cli.examples.proposal import Example, example
from iot_authorizer_cli.installed_program import installed_program
from iot_authorizer_cli.local_iot_core import LocalIotCore
from iot_authorizer_cli.options import CONFIG
from iot_authorizer_cli.project.development_issuer import DATA
from iot_authorizer_cli.project.key_ring import signing_pair
from iot_core.authorizers.invocation import SIGNATURE_KEY
from iot_policies.errors import printable

_URL = "http://localhost:8080"
"""The endpoint that other commands use by default."""
_NAMES = 3
"""Host names of a certificate that are printed."""


def greeting(core: LocalIotCore, folder: Path) -> str:
    """Builds the text; `folder` is the data folder."""
    plain, tls = core.url.partition("//")[2], core.tls_url.partition("//")[2]
    name = core.configuration.name
    whose = f"of {core.configuration.path}" if core.configuration.path.exists() else f"in {core.configuration.handler}"
    return f"""\
IoT Core on this machine, with the authorizer {name} {whose}

  open      {core.console_url}
  page      {core.url}/web/  from {core.web / "index.html"}; `iot-authorizer connect --for browser` writes one
  MQTT      mqtt://{plain}   ws://{plain}/mqtt
  on TLS    mqtts://{tls}  wss://{tls}/mqtt  {_trust(core)}
  Cognito   {core.identity_pool_id}, at {core.url}
{_endpoint(core)}
Try it, in another terminal:

{"".join(_commands(core, folder))}
Press Ctrl-C to end it.
"""


def _trust(core: LocalIotCore) -> str:
    """By which certificate clients of the TLS port recognize it."""
    own = core.server.own_certificate
    if own is None:
        return f"CA: {core.ca_path}"
    more = f" and {len(own.names) - _NAMES} more names" if len(own.names) > _NAMES else ""
    return printable(f"{own.path}, for {', '.join(own.names[:_NAMES])}{more}, until {own.ends:%Y-%m-%d}")


def _commands(core: LocalIotCore, folder: Path) -> Iterator[str]:
    program, data = installed_program("iot-authorizer"), "" if folder == DATA else f" --data {shlex.quote(str(folder))}"
    configured, path = core.configuration.configured, core.configuration.path
    config = "" if path == CONFIG or not path.exists() else f" --config {_quoted(path)}"
    where = f"{config}{'' if core.url == _URL else f' --endpoint {core.url}'}{data}"
    anonymous = configured.only_anonymous
    found = None if configured.template is None else example(configured.template, anonymous)
    signing = not configured.description.signing_disabled
    if found is None:
        yield "  # your own client: TOKEN is a token that your rules accept; --help lists --user, --topic and others\n"
        chosen = f"--authorizer {configured.description.name} --token TOKEN"
        yield f"  {program} connect --for paho {chosen}{where} | {installed_program('python')} -\n"
        return
    if signing and signing_pair(configured) is None:
        yield "  # signing is enabled, and no private key is in keys/private: give your tokens and their signatures\n"
        yield f"  {program} connect --for paho --token TOKEN --signature BASE64{where}\n"
        return
    principal = found.principal
    is_anonymous = principal is anonymous
    who = "--anonymous" if is_anonymous else f"--principal {shlex.quote(principal.name)}"
    name = "a client without credentials" if is_anonymous else principal.name
    yield f"  # {name}, over WebSocket: subscribes and publishes\n"
    yield f"  {program} connect --for paho {who}{where} | {installed_program('python')} -\n\n"
    yield f"  # {name}, over HTTPS\n"
    yield f"  {program} connect --for curl {who}{where} | sh\n\n"
    claims = shlex.quote(json.dumps(dict(principal.claims)))
    token = None if is_anonymous else f"$({program} token {who} --claims {claims}{data})"
    if core.credentials_url is not None:
        yield f"  # temporary credentials for {name}\n"
        yield f"  {_curl(core.credentials_url, found, token)}\n\n"
    yield "  # the Lambda's answer, with AWS's own tool\n"
    sign = f'$({program} sign{config} "$TOKEN")' if signing else None
    yield f"  {_test_invoke(core, found, token, sign)}\n"


def _endpoint(core: LocalIotCore) -> str:
    """The line of the credentials endpoint, if it is configured."""
    return "" if core.credentials_url is None else f"  keys      {core.credentials_url}\n"


def _curl(url: str, found: Example, token: str | None) -> str:
    """The command that gets temporary credentials. `token` is a command that makes a token."""
    body = shlex.quote(json.dumps({"clientId": found.proposal.client_ids[0]}))
    header = "" if token is None else f' -H "Authorization: Bearer {token}"'
    return f"curl -sS {url}{header} -d {body}"


def _test_invoke(core: LocalIotCore, found: Example, token: str | None, sign: str | None) -> str:
    """The command for TestInvokeAuthorizer. `token` and `sign` are commands that make a token and a signature."""
    description = core.configuration.configured.description
    context = shlex.quote(json.dumps({"clientId": found.proposal.client_ids[0]}))
    aws = (
        f"{installed_program('aws')} iot test-invoke-authorizer --endpoint-url {core.url} --region {core.place.region}"
        f" --no-sign-request --authorizer-name {description.name} --mqtt-context {context}"
    )
    key = description.token_key_name or "access_token"
    if token is None:
        return aws
    if sign is None:
        return f'{aws} --http-context "{{\\"queryString\\": \\"?{key}={token}\\"}}"'
    headers = {key: "$TOKEN", SIGNATURE_KEY: sign}
    quoted = ", ".join(f'\\"{name}\\": \\"{value}\\"' for name, value in headers.items())
    return f'TOKEN="{token}" && {aws} --http-context "{{\\"headers\\": {{{quoted}}}}}"'


def _quoted(path: Path) -> str:
    return shlex.quote(str(path))
