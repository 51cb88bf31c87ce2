"""Invokes deployed functions as IoT Core does: only those that their resource policies allow."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from iot_authorizer_cli.local_iot_core import LocalIotCore
from iot_core.authorizers.invocation import Refused
from iot_core.authorizers.rules import AuthorizerDescription
from iot_core.functions.lambda_function import Invocation

_SERVICE = {"Service": "iot.amazonaws.com"}


class DeployedFunctions:
    """The account's functions. ministack checks no resource policies, so they are checked here."""

    def __init__(self, core: LocalIotCore, lambda_client: Any) -> None:  # noqa: ANN401
        """`lambda_client` is a client of boto3."""
        self._core = core
        self._lambda = lambda_client

    async def invoke(self, authorizer: AuthorizerDescription, event: Mapping[str, object]) -> Invocation:
        """Invokes an authorizer's function with an event. Raises Refused."""
        return await asyncio.to_thread(self._invoke, authorizer, event)

    def _invoke(self, authorizer: AuthorizerDescription, event: Mapping[str, object]) -> Invocation:
        arn = authorizer.function_arn
        if not any(self._allows(statement, authorizer) for statement in self._statements(arn)):
            raise Refused("function_error", f"iot.amazonaws.com may not invoke {arn} for authorizer {authorizer.name}")
        answer = self._lambda.invoke(FunctionName=arn, Payload=json.dumps(event))
        content = answer["Payload"].read()
        if "FunctionError" in answer:
            raise Refused("function_error", content.decode())
        return Invocation(json.loads(content), {})

    def _statements(self, arn: str) -> list[dict[str, Any]]:
        try:
            policy = self._lambda.get_policy(FunctionName=arn)["Policy"]
        except self._lambda.exceptions.ResourceNotFoundException:
            return []
        statements: list[dict[str, Any]] = json.loads(policy)["Statement"]
        return statements

    def _allows(self, statement: Mapping[str, Any], authorizer: AuthorizerDescription) -> bool:
        """Returns whether a statement allows this authorizer. Patterns in conditions are compared as plain text."""
        granted = [statement[key] for key in ("Effect", "Principal", "Action", "Resource")]
        source = {
            "AWS:SourceArn": self._core.iot_core.arn("authorizer", authorizer.name),
            "AWS:SourceAccount": self._core.place.account,
        }
        conditions = [pair for each in statement.get("Condition", {}).values() for pair in each.items()]
        return granted == ["Allow", _SERVICE, "lambda:InvokeFunction", authorizer.function_arn] and all(
            source.get(key) == value for key, value in conditions
        )
