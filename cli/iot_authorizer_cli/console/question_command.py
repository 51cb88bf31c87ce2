"""A question of the page as a command, which gives the same answer in another terminal in the same folder.

- The command reads the saved template. There is none while another one is in force.
- It has the claims that the authorizer sees. Those that the issuer adds to a development token are left out if the
  template does not read them.
- It names the topic prefix, because `explain` looks for one only in `authorizer.toml`.
- There is none for texts with characters that are not printable: a terminal could read them as commands.
"""

import json
import shlex
from collections.abc import Iterator

from iot_authorizer_cli.console.bodies import ExplainRequest
from iot_authorizer_cli.console.template_text import TemplateText
from iot_authorizer_cli.installed_program import installed_program
from iot_authorizer_cli.options import CONFIG
from iot_authorizer_cli.project.development_issuer import principal_of
from iot_authorizer_cli.project.reloading import ReloadedConfiguration
from iot_policies import PolicyTemplate, Principal
from iot_policies.account_region import EXAMPLE_PLACE
from iot_policies.placeholders import claim_names

_ADDED = principal_of("", {}).claims.keys()
"""The claims that the issuer adds."""


def question_command(
    configuration: ReloadedConfiguration, saved: TemplateText, principal: Principal, asked: ExplainRequest
) -> str | None:
    """The command for a question about a principal; None if there is none."""
    if not saved.is_source or saved.template is None:
        return None
    about = [str(configuration.policy_path), asked.action, asked.resource]
    options = [*_options(configuration, saved.template, principal, asked)]
    is_option = any(word.startswith("-") for word in about)
    words = [*options, "--", *about] if is_option else [*about, *options]
    command = f"{installed_program('iot-authorizer')} explain {shlex.join(words)}"
    return command if command.isprintable() else None


def _options(
    configuration: ReloadedConfiguration, template: PolicyTemplate, principal: Principal, asked: ExplainRequest
) -> Iterator[str]:
    yield from ("--principal", principal.name)
    if claims := _claims(template, principal):
        yield from ("--claims", json.dumps(claims))
    if asked.client_id is not None:
        yield from ("--client-id", asked.client_id)
    if template.topic_prefix or configuration.path != CONFIG:
        yield from ("--topic-prefix", template.topic_prefix)
    if configuration.place.region != EXAMPLE_PLACE.region:
        yield from ("--region", configuration.place.region)


def _claims(template: PolicyTemplate, principal: Principal) -> dict[str, object]:
    """The claims of a principal, without those of the issuer that the template does not read."""
    read = {
        name.partition(".")[0]
        for entry in template.entries
        for name in (*claim_names(entry.text), *(entry.block.when or {}))
    }
    return {name: value for name, value in principal.claims.items() if name in read or name not in _ADDED}
