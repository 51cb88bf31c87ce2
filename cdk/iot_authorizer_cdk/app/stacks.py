"""The stacks of a stage: the authorizer with its alarms and dashboard, and a domain configuration for its clients.

A domain configuration on a domain that AWS manages can only be deleted 7 days after it was disabled (developer guide,
"Managing domain configurations"). In the authorizer's stack, it would block the deletion of everything else.
"""

from pathlib import Path

from aws_cdk import CfnOutput, Stack, aws_iot, aws_sns
from constructs import Construct

from iot_authorizer_cdk.app.stages import Stage
from iot_authorizer_cdk.constructs.account_functions import DefaultAuthorizer
from iot_authorizer_cdk.constructs.alarms import Alarms
from iot_authorizer_cdk.constructs.custom_authorizer import IotCustomAuthorizer
from iot_authorizer_cdk.constructs.dashboard import Dashboard, Queries
from iot_authorizer_cdk.constructs.identity_table import IdentityTable
from iot_authorizer_cdk.properties import DomainProps, check_authorizer_name


class AuthorizerStack(Stack):
    """An authorizer with alarms, a dashboard and queries."""

    def __init__(
        self, scope: Construct, construct_id: str, *, config: Path, stage: Stage, name: str | None = None
    ) -> None:
        """`name` replaces the name in the configuration. Raises what `IotCustomAuthorizer` raises."""
        super().__init__(scope, construct_id)
        table = IdentityTable(self, "Identities").table if stage.identity_table else None
        self.authorizer = IotCustomAuthorizer(self, "Authorizer", config=config, name=name, props=stage, table=table)
        arn = stage.alarm_topic_arn
        topic = aws_sns.Topic.from_topic_arn(self, "AlarmTopic", arn) if arn else None
        Alarms(self, "Alarms", authorizer=self.authorizer, topic=topic)
        Dashboard(self, "Dashboard", authorizer=self.authorizer)
        Queries(self, "Queries", authorizer=self.authorizer)
        if stage.default:
            default = DefaultAuthorizer(self, "Default", authorizer_name=self.authorizer.authorizer_name)
            default.node.add_dependency(self.authorizer)
        if table is not None:
            CfnOutput(self, "IdentityTable", value=table.table_name)


class DomainStack(Stack):
    """A domain configuration whose clients use an authorizer."""

    def __init__(self, scope: Construct, construct_id: str, *, domain: DomainProps, authorizer_name: str) -> None:
        """`authorizer_name` is the default authorizer of the domain's clients. Raises InvalidSettings."""
        super().__init__(scope, construct_id)
        domain.check()
        check_authorizer_name("authorizer_name", authorizer_name)
        tls = aws_iot.CfnDomainConfiguration.TlsConfigProperty(security_policy=domain.tls_policy)
        self.configuration = aws_iot.CfnDomainConfiguration(
            self,
            "Domain",
            domain_configuration_name=domain.name,
            domain_configuration_status=domain.status,
            domain_name=domain.domain_name,
            server_certificate_arns=[domain.certificate_arn] if domain.certificate_arn else None,
            validation_certificate_arn=domain.validation_certificate_arn,
            service_type="DATA",
            authentication_type="CUSTOM_AUTH",
            application_protocol=domain.protocol,
            authorizer_config=aws_iot.CfnDomainConfiguration.AuthorizerConfigProperty(
                default_authorizer_name=authorizer_name,
                allow_authorizer_override=domain.allow_authorizer_override,
            ),
            tls_config=tls if domain.tls_policy else None,
        )
        self._output_address_command(domain)

    def _output_address_command(self, domain: DomainProps) -> None:
        """Adds the command that prints the address, because CloudFormation does not expose it."""
        if domain.domain_name is None:
            command = f"describe-domain-configuration --domain-configuration-name {domain.name} --query domainName"
            description = "Prints the address that clients connect to"
        else:
            command = "describe-endpoint --endpoint-type iot:Data-ATS"
            description = "Prints the address that the CNAME must point to"
        CfnOutput(self, "AddressCommand", value=f"aws iot {command}", description=description)
