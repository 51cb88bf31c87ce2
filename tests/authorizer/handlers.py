"""Lambda handlers, built from an `authorizer.toml` as in Lambda, and what they print."""

import io
import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from iot_authorizer import Authorizer, LambdaHandler, Observer
from iot_authorizer.building import build
from iot_authorizer.configuration import load_configuration
from iot_authorizer.preparation import read_preparation, write_preparation
from iot_authorizer.preparing import prepare
from iot_authorizer.response import AuthorizerResponse
from tests.authorizer.keys import Jwk, SigningKey, public_keys, signing_key
from tests.authorizer.tokens import AUDIENCE, ISSUER

POLICY = """
[session]
spread = "0%"

[[grant]]
connect   = ["{principal}", "{principal}/*"]
publish   = ["users/{principal}/outbox"]
subscribe = ["users/{principal}/inbox/#"]

[[grant]]
when      = { rooms = "*" }
publish   = ["rooms/{claims.rooms}/say"]
"""
NAME = "authorizer-tests"
"""The authorizer's name: the metrics' dimension."""

_BYTES = io.BytesIO()
_STDOUT = io.TextIOWrapper(_BYTES, encoding="utf-8", newline="\n", write_through=True)
"""Takes UTF-8 and nothing else, as Lambda's standard output does."""

Line = dict[str, Any]


@dataclass(frozen=True)
class Context:
    """Lambda's context object."""

    invoked_function_arn: object = "arn:aws:lambda:eu-west-1:123456789012:function:authorizer:live"


@dataclass(frozen=True)
class Outcome:
    """An answer, and all output of the handler."""

    answer: AuthorizerResponse
    output: str = field(repr=False)

    @property
    def lines(self) -> list[Line]:
        return [json.loads(line) for line in self.output.split("\n") if line.startswith("{")]

    @property
    def decisions(self) -> list[Line]:
        return [line for line in self.lines if "decision" in line]

    @property
    def decision(self) -> Line:
        (only,) = self.decisions
        return only

    @property
    def metrics(self) -> list[Line]:
        return [line for line in self.lines if "_aws" in line]

    @property
    def counted(self) -> set[str]:
        """The names of the metrics."""
        found = [line["_aws"]["CloudWatchMetrics"] for line in self.metrics]
        return {metric["Name"] for groups in found for group in groups for metric in group["Metrics"]}

    @property
    def verdict(self) -> str:
        """`allowed` or the reason code. Answer and log line agree."""
        assert self.answer["isAuthenticated"] is (self.decision["decision"] == "allowed")
        return str(self.decision.get("reason", "allowed"))


class Running:
    """A handler that runs as in Lambda."""

    def __init__(self, authorizer: Authorizer, observer: Observer | None = None) -> None:
        self.handler = LambdaHandler(authorizer, observer or new_observer())

    def __call__(self, event: object, context: object = Context()) -> Outcome:
        with printed() as output:
            answer = self.handler(event, context)  # type: ignore[arg-type]
        return Outcome(answer, output.text)

    def verdict(self, event: object) -> str:
        return self(event).verdict


@dataclass
class Printed:
    """Printed text, complete after the context."""

    text: str = ""


@contextmanager
def printed() -> Iterator[Printed]:
    """Standard output, standard error, and every log record of the process at any level that is on."""
    found, errors, records = Printed(), io.StringIO(), io.StringIO()
    _BYTES.seek(0)
    _BYTES.truncate()
    listener = logging.StreamHandler(records)
    logging.getLogger().addHandler(listener)
    try:
        with redirect_stdout(_STDOUT), redirect_stderr(errors):
            yield found
    finally:
        logging.getLogger().removeHandler(listener)
        found.text = "\n".join((_BYTES.getvalue().decode(), errors.getvalue(), records.getvalue()))


def new_observer() -> Observer:
    """An observer that has seen no decision yet."""
    return Observer(NAME)


def table(header: str, /, **values: object) -> str:
    """A TOML table; strings, numbers and lists of them are written as in JSON. None leaves a key out."""
    pairs = [f"{key} = {json.dumps(value)}" for key, value in values.items() if value is not None]
    return "\n".join((*([header] if header else []), *pairs, ""))


def jwt_table(**changes: object) -> str:
    """A `[[jwt]]` for the tokens that `tokens.mint` makes, with its keys in `keys.json`."""
    standard = {"issuer": ISSUER, "audience": [AUDIENCE], "algorithms": ["RS256"], "jwks": "keys.json"}
    return table("[[jwt]]", **(standard | changes))


def write(folder: Path, *tables: str, policy: str = POLICY, keys: Sequence[SigningKey | Jwk] | None = None) -> Path:
    """Writes an `authorizer.toml` with its template and its keys and returns its path."""
    trusted = (signing_key("RS256"),) if keys is None else keys
    (folder / "keys.json").write_text(json.dumps(public_keys(*trusted)))
    (folder / "policy.toml").write_text(policy)
    path = folder / "authorizer.toml"
    path.write_text(table("", name=NAME, policy="policy.toml", token_key_name="token") + "\n".join(tables))
    return path


def start(
    folder: Path,
    *tables: str,
    policy: str = POLICY,
    keys: Sequence[SigningKey | Jwk] | None = None,
    environment: Mapping[str, str] | None = None,
) -> Running:
    """Starts an authorizer with these tables; without any, it accepts the tokens of `tokens.mint`."""
    path = write(folder, *(tables or (jwt_table(),)), policy=policy, keys=keys)
    observer, variables = new_observer(), environment or {}
    preparation = prepare(load_configuration(path, variables), folder)
    write_preparation(preparation, path, [], variables)
    return Running(build(read_preparation(path, variables) or preparation, observer.keys_fetched), observer)
