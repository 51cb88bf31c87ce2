"""The reference for cold starts: the same libraries and the same steps, in one file without structure.

It reads the configuration and the template, takes the token from the event, verifies it with PyJWT, writes the policy
of `policies/chat.toml` by hand, logs one line and counts one metric. It has no checks beyond that: never deploy it.
"""

import json
import os
import time
import tomllib
from pathlib import Path
from urllib.parse import unquote

import argon2
import jwt
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from jwt import PyJWK
from pydantic import BaseModel


class Mqtt(BaseModel):
    username: str | None = None
    password: str | None = None
    clientId: str | None = None


class Http(BaseModel):
    headers: dict[str, str] | None = None
    queryString: str | None = None


class ProtocolData(BaseModel):
    http: Http | None = None
    mqtt: Mqtt | None = None


class Event(BaseModel):
    token: str | None = None
    signatureVerified: bool | None = None
    protocolData: ProtocolData | None = None


class Issuer(BaseModel):
    issuer: str
    audience: list[str]
    algorithms: list[str]
    jwks: str


class Configuration(BaseModel):
    name: str
    policy: str
    token_key_name: str
    jwt: list[Issuer]


class Grant(BaseModel):
    name: str
    when: dict[str, object] = {}
    connect: list[str] = []
    publish: list[str] = []
    retain: list[str] = []
    subscribe: list[str] = []


class Template(BaseModel):
    principal: str
    session: dict[str, str]
    grant: list[Grant]
    deny: list[Grant]


path = Path(os.environ["AUTHORIZER_CONFIG"])
configuration = Configuration.model_validate(tomllib.loads(path.read_text()))
template = Template.model_validate(tomllib.loads((path.parent / configuration.policy).read_text()))
issuer = configuration.jwt[0]
key = PyJWK(json.loads((path.parent / issuer.jwks).read_text())["keys"][0], "RS256")
hasher = argon2.PasswordHasher(2, 19 * 1024, 1)
logger = Logger(service=configuration.name)
metrics = Metrics(namespace="Reference", service=configuration.name)


def lambda_handler(raw: dict[str, object], context: object) -> dict[str, object]:
    started = time.perf_counter()
    event = Event.model_validate(raw)
    query = (event.protocolData and event.protocolData.http and event.protocolData.http.queryString) or ""
    pairs = dict(pair.partition("=")[::2] for pair in query.removeprefix("?").split("&"))
    token = event.token or unquote(pairs.get("token", ""))
    claims = jwt.decode(token, key, issuer.algorithms, audience=issuer.audience, issuer=issuer.issuer)
    name = claims["sub"]
    _, partition, _, region, account, *_ = str(getattr(context, "invoked_function_arn", "")).split(":")
    arn = f"arn:{partition}:iot:{region}:{account}:"
    rooms = claims.get("rooms", [])
    statements = [
        {"Effect": "Allow", "Action": ["iot:Connect"], "Resource": [f"{arn}client/{name}", f"{arn}client/{name}/*"]},
        {
            "Effect": "Allow",
            "Action": ["iot:Publish"],
            "Resource": [f"{arn}topic/users/{name}/outbox", *(f"{arn}topic/rooms/{room}/say/{name}" for room in rooms)],
        },
        {
            "Effect": "Allow",
            "Action": ["iot:Subscribe"],
            "Resource": [
                f"{arn}topicfilter/users/{name}/inbox/*",
                *(f"{arn}topicfilter/rooms/{room}/*" for room in rooms),
            ],
        },
        {
            "Effect": "Allow",
            "Action": ["iot:Receive"],
            "Resource": [f"{arn}topic/users/{name}/inbox/*", *(f"{arn}topic/rooms/{room}/*" for room in rooms)],
        },
    ]
    metrics.add_metric("Allowed", MetricUnit.Count, 1)
    logger.info("allowed", extra={"principal": name, "duration_ms": (time.perf_counter() - started) * 1000})
    metrics.flush_metrics()
    return {
        "isAuthenticated": True,
        "principalId": name,
        "disconnectAfterInSeconds": 86400,
        "refreshAfterInSeconds": 900,
        "policyDocuments": [{"Version": "2012-10-17", "Statement": statements}],
    }
