"""A domain configuration for clients of the authorizer, in a stack of its own.

One on a domain that AWS manages can't be deleted for 7 days after it was disabled (developer guide, "Managing domain
configurations"): in the authorizer's stack it would hold up everything else.
"""

from dataclasses import dataclass
from typing import Literal

from aws_cdk import CfnOutput, Stack, aws_iot
from constructs import Construct

from iot_authorizer_cdk.bounds import AUTHORIZER_NAME, check_arn, check_text
from iot_authorizer_cdk.settings import InvalidSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainProps:
    """How clients reach the authorizer."""

    name: str
    """Of the domain configuration."""
    authorizer_name: str
    """The default one of this domain."""
    protocol: Literal["MQTT_WSS", "SECURE_MQTT"] = "MQTT_WSS"
    """MQTT over WebSocket, or MQTT over TLS, where no ALPN is needed."""
    allow_authorizer_override: bool = False
    """Whether clients may name another authorizer."""
    domain_name: str | None = None
    """A custom domain; None for one that AWS manages."""
    certificate_arn: str | None = None
    """Of AWS Certificate Manager, for the custom domain."""
    validation_certificate_arn: str | None = None
    """Where the certificate is no public one."""
    status: Literal["ENABLED", "DISABLED"] = "ENABLED"
    """One that AWS manages can be deleted when it was DISABLED for 7 days."""
    tls_policy: str | None = None
    """As `IotSecurityPolicy_TLS13_1_2_2022_10`; None for IoT Core's own choice."""

    def check(self) -> None:
        """Raises InvalidSettings for what does not go together."""
        if (self.domain_name is None) != (self.certificate_arn is None):
            raise InvalidSettings("domain_name and certificate_arn belong together: a domain needs its certificate")
        if self.validation_certificate_arn is not None and self.domain_name is None:
            raise InvalidSettings("validation_certificate_arn goes with a custom domain: set domain_name")
        check_text("name", self.name, "[A-Za-z0-9_.-]{1,128}", "1 to 128 letters, digits and _.-")
        check_text("authorizer_name", self.authorizer_name, AUTHORIZER_NAME, "1 to 128 letters, digits and _=,@-")
        check_text("domain_name", self.domain_name, r"(?=.{1,253}$)[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+", "a host's name")
        check_arn("certificate_arn", self.certificate_arn, "acm", "certificate/")
        check_arn("validation_certificate_arn", self.validation_certificate_arn, "acm", "certificate/")
        check_text("tls_policy", self.tls_policy, r"Io[Tt]SecurityPolicy_[A-Za-z0-9_]{1,100}", "IotSecurityPolicy_…")


class DomainStack(Stack):
    """The domain configuration."""

    def __init__(self, scope: Construct, construct_id: str, *, domain: DomainProps) -> None:
        """Raises InvalidSettings."""
        super().__init__(scope, construct_id)
        domain.check()
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
                default_authorizer_name=domain.authorizer_name,
                allow_authorizer_override=domain.allow_authorizer_override,
            ),
            tls_config=aws_iot.CfnDomainConfiguration.TlsConfigProperty(security_policy=domain.tls_policy)
            if domain.tls_policy
            else None,
        )
        # CloudFormation does not tell the address.
        command = f"aws iot describe-domain-configuration --domain-configuration-name {domain.name} --query domainName"
        if domain.domain_name is not None:
            command = "aws iot describe-endpoint --endpoint-type iot:Data-ATS"
        description = (
            "Tells what clients connect to" if domain.domain_name is None else "Tells what the CNAME points at"
        )
        CfnOutput(self, "AddressCommand", value=command, description=description)
