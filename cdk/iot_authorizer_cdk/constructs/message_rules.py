"""Topic rules that call a function for each message, and where their errors go.

1. Each function of the configuration's folder is a Lambda function with the authorizer's code, and a role of its own,
   which may write its logs and nothing else. Your CDK app may grant the role more. It does not have the
   authorizer's password file.
2. Only the rule itself may invoke a function: the permission names the rule and the account. Without these, a rule of
   any account may (developer guide, "Lambda").
3. A message that a rule cannot give to its function goes to a queue, by the rule's error action. An event for which the
   function fails three times goes there too, by Lambda.
4. A queue that has a message raises an alarm (`alarms.py`).
"""

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from aws_cdk import (
    Acknowledgment,
    CfnOutput,
    Duration,
    Stack,
    Token,
    Validations,
    aws_iam,
    aws_iot,
    aws_lambda,
    aws_sqs,
)
from constructs import Construct

from iot_authorizer.rule_settings import (
    FUNCTION_TIMEOUT,
    RULE_FUNCTION,
    RULE_HANDLER,
    SQL_VERSION,
    MessageRule,
    NamedTopicFilter,
)
from iot_authorizer_cdk.constructs.function import AuthorizerFunction
from iot_authorizer_cdk.constructs.places import check_region, place_in
from iot_authorizer_cdk.package.configuration import CheckedConfiguration
from iot_authorizer_cdk.properties import AuthorizerProps, InvalidSettings

_RETRIES = 2
"""Attempts after the first one: Lambda's default, which `dev` has too."""


class MessageRules(Construct):
    """The topic rules of all `[[rule]]` of a configuration."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        code: Path,
        configuration: CheckedConfiguration,
        props: AuthorizerProps,
    ) -> None:
        """`code` is the Lambda directory, `configuration` that of the authorizer, with at least one rule.

        Raises InvalidSettings for a function of another region or account.
        """
        super().__init__(scope, construct_id)
        self.queue = self._queue()
        """Gets what could not be delivered."""
        self.functions: dict[str, AuthorizerFunction] = {}
        """The functions of the configuration's folder, by the names of their rules."""
        self._error_role = aws_iam.Role(
            self,
            "ErrorRole",
            assumed_by=aws_iam.ServicePrincipal("iot.amazonaws.com"),  # IoT Core passes it to no other account's rules.
            inline_policies={"errors": aws_iam.PolicyDocument(statements=[self._send()])},
        )
        for name, (rule, filters) in configuration.rules.items():
            if rule.is_own_code:
                arn = self._own_function(rule, code, configuration.secret_files, props)
            else:
                arn = rule.function
                self._check_place(rule)
            for each in filters:
                self._topic_rule(f"{name}-{each.name}", each, arn)
        CfnOutput(self, "ErrorQueue", value=self.queue.queue_url, description="Messages that no function accepted")

    def _queue(self) -> aws_sqs.Queue:
        queue = aws_sqs.Queue(
            self,
            "Errors",
            encryption=aws_sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=Duration.days(14),
        )
        reason = "it is the queue for errors itself"
        Validations.of(queue).acknowledge(Acknowledgment(id="AwsSolutions::AwsSolutions-SQS3", reason=reason))
        return queue

    def _send(self) -> aws_iam.PolicyStatement:
        return aws_iam.PolicyStatement(actions=["sqs:SendMessage"], resources=[self.queue.queue_arn])

    def _check_place(self, rule: MessageRule) -> None:
        """Refuses a function that the deployment cannot give a permission. Raises InvalidSettings."""
        place, stack = place_in(rule.function), Stack.of(self)
        if place is None:
            return
        subject = f"authorizer.toml: rule {rule.name}: function"
        check_region(stack, subject, place, "a function in this region")
        if place.account != stack.account and not Token.is_unresolved(stack.account):
            problem = f"found account {place.account}, but the stack is in {stack.account}, which cannot permit it"
            raise InvalidSettings(f"{subject}: {problem}: use a function in this account, which may invoke that one")

    def _own_function(self, rule: MessageRule, code: Path, files: Collection[Path], props: AuthorizerProps) -> str:
        """Adds a function, and returns the ARN that rules invoke."""
        function = self.functions[rule.name] = AuthorizerFunction(
            self,
            f"Lambda-{rule.name}",
            code=code,
            handler=RULE_HANDLER,
            environment={RULE_FUNCTION: rule.function},
            secrets=(),
            props=replace(
                props,
                timeout=round(FUNCTION_TIMEOUT),
                secret_kms_key_arns=(),
                reserved_concurrency=None,
                provisioned_concurrency=None,
            ),
            table=None,
            description=f"Calls {rule.function} for messages of AWS IoT Core",
            without=files,
        )
        sending = aws_iam.Policy(self, f"Errors-{rule.name}", statements=[self._send()], roles=[function.role])
        failures = aws_lambda.CfnEventInvokeConfig.OnFailureProperty(destination=self.queue.queue_arn)
        config = aws_lambda.CfnEventInvokeConfig(
            self,
            f"Retries-{rule.name}",
            function_name=function.function.function_name,
            qualifier=function.alias.alias_name,
            maximum_retry_attempts=_RETRIES,
            destination_config=aws_lambda.CfnEventInvokeConfig.DestinationConfigProperty(on_failure=failures),
        )
        config.node.add_dependency(sending, function.alias)  # Lambda checks that the role may send to the queue.
        return function.alias.function_arn

    def _topic_rule(self, construct_id: str, rule: NamedTopicFilter, function_arn: str) -> None:
        payload = aws_iot.CfnTopicRule.TopicRulePayloadProperty(
            sql=rule.sql,
            aws_iot_sql_version=SQL_VERSION,
            actions=[
                aws_iot.CfnTopicRule.ActionProperty(
                    lambda_=aws_iot.CfnTopicRule.LambdaActionProperty(function_arn=function_arn)
                )
            ],
            error_action=aws_iot.CfnTopicRule.ActionProperty(
                sqs=aws_iot.CfnTopicRule.SqsActionProperty(
                    queue_url=self.queue.queue_url, role_arn=self._error_role.role_arn, use_base64=False
                )
            ),
        )
        permission = aws_lambda.CfnPermission(
            self,
            f"Permission-{construct_id}",
            action="lambda:InvokeFunction",
            function_name=function_arn,
            principal="iot.amazonaws.com",
            source_arn=Stack.of(self).format_arn(service="iot", resource="rule", resource_name=rule.name),
            source_account=Stack.of(self).account,
        )
        found = aws_iot.CfnTopicRule(self, f"Rule-{construct_id}", rule_name=rule.name, topic_rule_payload=payload)
        found.node.add_dependency(permission)
