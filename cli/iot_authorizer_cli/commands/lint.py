"""`iot-authorizer lint`: mistakes in policy templates."""

from pathlib import Path
from typing import Annotated

import typer

from iot_authorizer_cli import options
from iot_authorizer_cli.terminal import count
from iot_policies import Principal
from iot_policies.linter import lint as lint_template
from iot_policies.toml_file import key_of, place_of, read_toml


def lint(
    policies: Annotated[list[Path], typer.Argument(metavar="POLICY", help="Policy templates.")],
    topic_prefix: options.TopicPrefix = None,
) -> None:
    """Check policy templates for mistakes. Exits with 0 if there is none, with 1 otherwise.

    The code in brackets at the end of a finding is the one with which AWS IoT Device Defender reports the same mistake.

    If authorizer.toml names a template and has [anonymous], also checks what the template grants to clients without
    credentials. Skips tests, NAME.test.toml, so you can name all files of a folder.
    """
    policies = options.templates(policies)
    counts = {"warning": 0, "note": 0}
    for path in policies:
        template, (_, text) = options.load_template(path, topic_prefix), read_toml(path)
        for finding in lint_template(template, _anonymous(path)):
            place = place_of(path, text, finding.location)
            message = f"{finding.message} [{finding.audit}]" if finding.audit else finding.message
            typer.echo(": ".join(filter(None, (place, finding.severity, key_of(finding.location), message))))
            counts[finding.severity] += 1
    notes = f" and {count(counts['note'], 'note')}" if counts["note"] else ""
    warnings = count(counts["warning"], "finding")
    typer.echo(f"{warnings}{notes} in {count(len(policies), 'template')}", err=True)
    raise typer.Exit(1 if counts["warning"] else 0)


def _anonymous(path: Path) -> Principal | None:
    """The principal of clients without credentials, if the configuration in this folder names the template."""
    found = options.configuration_of(path)
    return None if found is None or found.anonymous is None else found.anonymous.as_principal()
