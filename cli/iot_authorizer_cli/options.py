"""Arguments and options that several commands share, and checks of what a user gives.

Each check raises a usage error that names the option.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from pydantic import BaseModel, ValidationError

from iot_authorizer.configuration import PartialConfiguration, load_partial_configuration
from iot_core.broker import topics
from iot_core.broker.limits import IOT_CORE
from iot_identities.strict_json import STRICT, DuplicateKey
from iot_policies import InvalidFile, PolicyTemplate
from iot_policies.durations import seconds
from iot_policies.testing.cases import without_tests
from iot_policies.toml_file import read_file
from iot_policies.topic_prefix import check_topic_prefix

Model = TypeVar("Model", bound=BaseModel)

CONFIG = Path("authorizer.toml")
"""The configuration file, if no other is given."""
LONGEST = "36500d"
"""The longest time after which a user or a revocation can end."""


class Rendering(StrEnum):
    """What a template is compiled to."""

    DOCUMENTS = "documents"
    SESSION_POLICY = "session-policy"
    COGNITO_ROLE = "cognito-role"


def principal_name(name: str | None) -> str | None:
    """Checks that a principal's name is not empty."""
    if name == "":
        raise typer.BadParameter("expected a name", param_hint="--principal")
    return name


def account_id(account: str) -> str:
    """Checks that an AWS account ID has 12 digits."""
    if re.fullmatch(r"[0-9]{12}", account) is None:
        raise typer.BadParameter(f"expected 12 digits, found {account}", param_hint="--account")
    return account


def client_id(text: str | None) -> str | None:
    """Checks the length of a client ID."""
    if text is not None:
        with usage_errors("--client-id"):
            topics.check_client_id(text, IOT_CORE)
    return text


def region_name(region: str) -> str:
    """Checks that an AWS region can be in an ARN."""
    if re.fullmatch(r"[a-z0-9-]+", region) is None:
        raise typer.BadParameter(f"expected a region, such as eu-west-1, found {region!r}", param_hint="--region")
    return region


Config = Annotated[Path, typer.Option("--config", metavar="FILE", help="Read this configuration file.")]
DataFolder = Annotated[
    Path, typer.Option("--data", metavar="DIR", help="Keep this machine's keys, messages and table in this folder.")
]
TableName = Annotated[
    str | None,
    typer.Option("--table", metavar="NAME", help="Use this DynamoDB table; default: this machine's table in --data."),
]
Handler = Annotated[
    str | None,
    typer.Option("--handler", metavar="NAME", help="Run this Lambda handler; default: handler of the configuration."),
]
Region = Annotated[
    str, typer.Option("--region", metavar="REGION", callback=region_name, help="Write this AWS region into ARNs.")
]
Account = Annotated[
    str,
    typer.Option(
        "--account", metavar="ACCOUNT", callback=account_id, help="Write this AWS account ID, 12 digits, into ARNs."
    ),
]
PolicyFile = Annotated[Path, typer.Argument(metavar="POLICY", help="A policy template, such as policies/chat.toml.")]
PrincipalName = Annotated[
    str, typer.Option("--principal", metavar="ID", callback=principal_name, help="Set the principal's name.")
]
Claims = Annotated[
    str, typer.Option("--claims", metavar="JSON", help="Set the principal's claims; @FILE reads them from a file.")
]
ClientId = Annotated[
    str | None, typer.Option("--client-id", metavar="ID", callback=client_id, help="Use this MQTT client ID.")
]
TopicPrefix = Annotated[
    str | None,
    typer.Option(
        "--topic-prefix",
        metavar="PREFIX",
        help="Put these levels in front of each topic; default: topic_prefix of authorizer.toml, if this names POLICY.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, with times in seconds since 1970.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")]


def require_config(path: Path) -> None:
    """Raises InvalidFile if the configuration does not exist."""
    if not path.exists():
        advice = "name your configuration with --config, or write a new project with `iot-authorizer init`"
        raise InvalidFile(path, None, "", f"file not found: {advice}")


@contextmanager
def usage_errors(option: str | None = None, prefix: str = "") -> Iterator[None]:
    """Turns a ValueError into a usage error that names the option."""
    try:
        yield
    except ValueError as error:
        raise typer.BadParameter(f"{prefix}{error}", param_hint=option) from None


def load_template(path: Path, topic_prefix: str | None) -> PolicyTemplate:
    """The policy template of a file. Raises InvalidFile.

    Without a topic prefix, the template has that of the configuration in this folder which names it.
    """
    with usage_errors("--topic-prefix"):
        check_topic_prefix(topic_prefix or "")
    if topic_prefix is None:
        found = configuration_of(path)
        topic_prefix = "" if found is None else found.topic_prefix
    return PolicyTemplate.load(path, topic_prefix)


def templates(paths: Iterable[Path]) -> list[Path]:
    """The files among some that are not tests of templates, so that a user can name all files of a folder.

    Raises a usage error if none is left.
    """
    found = without_tests(paths)
    if not found:
        raise typer.BadParameter("expected a policy template, found only tests", param_hint="POLICY")
    return found


def configuration_of(policy: Path) -> PartialConfiguration | None:
    """What the configuration in this folder says about a template that it names; None if it does not name it.

    Raises InvalidFile.
    """
    if not CONFIG.exists():
        return None
    found, _ = load_partial_configuration(CONFIG, only=("policy", "topic_prefix", "anonymous"))
    is_named = found.policy is not None and (CONFIG.parent / found.policy).resolve() == policy.resolve()
    return found if is_named else None


def json_object(text: str, option: str) -> Mapping[str, object]:
    """Reads a JSON object: the text, or the content of a file if the text is `@FILE`.

    It is read as strictly as the authorizer reads a token: duplicate keys, NaN and Infinity are errors. Raises
    InvalidFile.
    """
    return parsed_object(read_file(Path(text[1:])) if text.startswith("@") else text, option, ", or @FILE with one")


def parsed_object(text: str | bytes, option: str, instead: str = "") -> Mapping[str, object]:
    """Reads a JSON object as `json_object` does, but never from a file: for a text that the user did not type.

    `instead` is what else the user can give.
    """
    try:
        parsed = STRICT.decode(text if isinstance(text, str) else text.decode())
    except DuplicateKey:
        raise typer.BadParameter("duplicate key in a JSON object", param_hint=option) from None
    except ValueError:
        parsed = None
    if not isinstance(parsed, dict):
        raise typer.BadParameter(f"""expected a JSON object, as in '{{"key": "value"}}'{instead}""", param_hint=option)
    return parsed


def json_model(text: str | None, option: str, model: type[Model]) -> Model | None:
    """Reads a JSON object of a known shape; None for None."""
    return None if text is None else checked_model(json_object(text, option), option, model)


def checked_model(parsed: Mapping[str, object], option: str, model: type[Model]) -> Model:
    """Checks the shape of a JSON object. Raises a usage error with the first problem."""
    try:
        return model.model_validate(parsed)
    except ValidationError as error:
        raise typer.BadParameter(_first_problem(error, model), param_hint=option) from None


def _first_problem(error: ValidationError, model: type[BaseModel]) -> str:
    """Pydantic's first error in one line, without the value."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    if first["type"] == "extra_forbidden":
        names = ", ".join(field.alias or name for name, field in model.model_fields.items())
        return f"expected {names}, found {first['loc'][-1]}"
    place = ".".join(map(str, first["loc"]))
    return f"{place}: {first['msg'].removeprefix('Value error, ')}"


RESOURCE_HELP = 'A client ID, a topic or a topic filter; for send a client ID and a topic: "pump-7 commands/stop".'


def check_resource(action: str, resource: str) -> None:
    """Checks what an action is on: a resource that IoT Core does not refuse by itself.

    Raises ValueError.
    """
    topics.check_resource(action, resource, IOT_CORE)


def duration(text: str, option: str, at_most: str, at_least: str = "0s") -> int:
    """Reads a duration, in seconds."""
    with usage_errors(option):
        found = seconds(text)
        if found > seconds(at_most):
            raise ValueError(f"expected at most {at_most}")
        if found < seconds(at_least):
            raise ValueError(f"expected at least {at_least}")
    return found
