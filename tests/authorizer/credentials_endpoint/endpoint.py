"""The credentials endpoint, asked as API Gateway asks it, with a stand-in for AWS STS."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from iot_authorizer.building import build
from iot_authorizer.client_role import StsRole
from iot_authorizer.configuration import load_configuration
from iot_authorizer.credentials_answer import CredentialsAnswer
from iot_authorizer.credentials_endpoint import CredentialsHandler
from iot_authorizer.preparing import prepare
from iot_authorizer.temporary_credentials import ClientRole
from tests.authorizer.handlers import POLICY, Context, Line, jwt_table, new_observer, printed, write
from tests.authorizer.tokens import mint

ROLE = "arn:aws:iam::123456789012:role/client"
PAGE = "https://app.example.com"


def request(
    *,
    token: str | None = None,
    method: str = "POST",
    body: object = None,
    query: str = "",
    origin: str | None = None,
    **changes: object,
) -> dict[str, object]:
    """An event of an HTTP API, payload format 2.0. A body that is no text is written as JSON."""
    headers = {"authorization": f"Bearer {token}"} if token else {}
    given = {} if body is None else {"body": body if isinstance(body, str) else json.dumps(body)}
    return {
        "version": "2.0",
        "routeKey": "ANY /credentials",
        "rawPath": "/credentials",
        "rawQueryString": query,
        "headers": headers if origin is None else {**headers, "origin": origin},
        "requestContext": {"http": {"method": method, "path": "/credentials"}},
        "isBase64Encoded": False,
        **given,
        **changes,
    }


def ann(client_id: str | None = "ann/phone", **changes: Any) -> dict[str, object]:  # noqa: ANN401
    """A request with a valid token of ann."""
    body = None if client_id is None else {"clientId": client_id}
    return request(**{"token": mint(), "body": body, **changes})


@dataclass
class Sts:
    """Answers as AWS STS, or fails with an exception, and keeps what it was asked."""

    failure: Exception | None = None
    asked: list[dict[str, Any]] = field(default_factory=list)

    def assume_role(self, **asked: Any) -> Any:  # noqa: ANN401
        self.asked.append(asked)
        if self.failure is not None:
            raise self.failure
        return {
            "Credentials": {
                "AccessKeyId": "ASIAEXAMPLE",
                "SecretAccessKey": "secret-key",
                "SessionToken": "session-token",
                "Expiration": datetime.now(UTC) + timedelta(seconds=asked["DurationSeconds"]),
            }
        }

    @property
    def policy(self) -> Any:  # noqa: ANN401
        """The session policy of the last session."""
        return json.loads(self.asked[-1]["Policy"])


@dataclass(frozen=True)
class Outcome:
    """An answer, and all output of the handler."""

    answer: CredentialsAnswer
    output: str = field(repr=False)

    @property
    def status(self) -> int:
        return self.answer["statusCode"]

    @property
    def body(self) -> Any:  # noqa: ANN401
        return json.loads(self.answer["body"])

    @property
    def code(self) -> str:
        """The reason code, on which answer and log line agree."""
        assert self.decision["reason"] == self.body["Code"]
        return str(self.body["Code"])

    @property
    def decision(self) -> Line:
        (only,) = (json.loads(line) for line in self.output.split("\n") if '"decision"' in line)
        found: Line = only
        return found


class Endpoint:
    """A credentials endpoint that runs as in Lambda."""

    def __init__(self, handler: CredentialsHandler, sts: Sts) -> None:
        self._handler = handler
        self.sts = sts

    def __call__(self, event: object, context: object = Context()) -> Outcome:
        with printed() as output:
            answer = self._handler(event, context)  # type: ignore[arg-type]
        return Outcome(answer, output.text)


def start(
    folder: Path,
    *tables: str,
    policy: str = POLICY,
    origins: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
    role: ClientRole | None = None,
) -> Endpoint:
    """Starts an endpoint with these tables; without any, it accepts the tokens of `tokens.mint`."""
    path = write(folder, *(tables or (jwt_table(),)), policy=policy)
    authorizer = build(prepare(load_configuration(path, environment or {}), folder))
    sts = Sts()
    used = role or StsRole(ROLE, "abc-ats.iot.eu-west-1.amazonaws.com", sts)
    return Endpoint(CredentialsHandler(authorizer, lambda: used, origins=origins, observer=new_observer()), sts)
