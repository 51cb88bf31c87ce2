"""Arguments of the command line, read and checked."""

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import TypeVar

import typer
from pydantic import BaseModel, ValidationError

from iot_core.broker.limits import IOT_CORE
from iot_core.broker.topics import InvalidTopic, check_topic_filter, check_topic_name
from iot_policies.durations import seconds

Model = TypeVar("Model", bound=BaseModel)
_UNITS = {"ms": 1, "s": 1000, "B": 1, "KB": 1024, "MB": 1024**2}


def json_object(text: str, option: str) -> Mapping[str, object]:
    """A JSON object. Raises a usage error that names the option."""
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError):
        parsed = None
    if not isinstance(parsed, dict):
        raise typer.BadParameter('expected a JSON object, as in \'{"key": "value"}\'', param_hint=option)
    return parsed


def json_model(text: str | None, option: str, model: type[Model]) -> Model | None:
    """A JSON object of a known shape; None for None. Raises a usage error."""
    if text is None:
        return None
    try:
        return model.model_validate(json_object(text, option))
    except ValidationError as error:
        raise typer.BadParameter(_first_problem(error, model), param_hint=option) from None


def _first_problem(error: ValidationError, model: type[BaseModel]) -> str:
    """The first of pydantic's findings, in one line, without what was found."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    if first["type"] == "extra_forbidden":
        names = ", ".join(str(field.alias) for field in model.model_fields.values())
        return f"expected {names}, found {first['loc'][-1]}"
    place = ".".join(map(str, first["loc"]))
    return f"{place}: {first['msg'].removeprefix('Value error, ')}"


def principal_name(name: str | None) -> str | None:
    """A principal's name, or None. Raises a usage error for an empty one."""
    if name == "":
        raise typer.BadParameter("expected a name", param_hint="--principal")
    return name


def topic_name(text: str, option: str) -> str:
    """A topic to publish to, as IoT Core takes it. Raises a usage error."""
    if "+" in text or "#" in text:
        raise typer.BadParameter("a topic name holds no + and no #", param_hint=option)
    try:
        check_topic_name(text, IOT_CORE)
    except InvalidTopic as error:
        raise typer.BadParameter(str(error), param_hint=option) from None
    return text


def topic_filter(text: str, option: str) -> str:
    """A topic filter to subscribe to, as IoT Core takes it. Raises a usage error."""
    try:
        check_topic_filter(text, IOT_CORE)
    except InvalidTopic as error:
        raise typer.BadParameter(str(error), param_hint=option) from None
    return text


def duration(text: str, option: str, at_most: str, at_least: str = "0s") -> int:
    """A duration in seconds. Raises a usage error."""
    try:
        found = seconds(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=option) from None
    if found > seconds(at_most):
        raise typer.BadParameter(f"expected at most {at_most}", param_hint=option)
    if found < seconds(at_least):
        raise typer.BadParameter(f"expected at least {at_least}", param_hint=option)
    return found


def milliseconds(text: str, option: str, at_most: int) -> int:
    """A short duration in milliseconds: `20ms`, `2s`. `at_most` is in seconds. Raises a usage error."""
    found = _with_unit(text, "ms|s", option, 'expected whole milliseconds or seconds, as in "20ms" or "2s"')
    if found > at_most * 1000:
        raise typer.BadParameter(f"expected at most {at_most}s", param_hint=option)
    return found


def message_size(text: str, option: str) -> int:
    """A size in bytes that a message may have: `200B`, `1KB`. Raises a usage error."""
    found = _with_unit(text, "B|KB", option, 'expected a number and a unit, as in "200B" or "1KB"')
    if not 1 <= found <= IOT_CORE.payload:
        raise typer.BadParameter("expected 1B to 128KB, as IoT Core takes them", param_hint=option)
    return found


def share(text: str, option: str) -> Decimal:
    """A share, from 0 to 1: `1%`, `0.5%`. Raises a usage error."""
    match = re.fullmatch(r"(\d{1,3}(?:\.\d{1,6})?)%", text, re.ASCII)
    if match is None or Decimal(match[1]) > 100:
        raise typer.BadParameter('expected a share from "0%" to "100%"', param_hint=option)
    return Decimal(match[1]) / 100


def _with_unit(text: str, units: str, option: str, expected: str) -> int:
    match = re.fullmatch(rf"(\d{{1,9}})({units})", text, re.ASCII)
    if match is None:
        raise typer.BadParameter(expected, param_hint=option)
    return int(match[1]) * _UNITS[match[2]]
