"""The bounds of what a user can set."""

from dataclasses import replace

import pytest
from aws_cdk import Aws, Token

from iot_authorizer_cdk import AuthorizerProps, DomainProps, InvalidSettings
from iot_authorizer_cdk.properties import plain_name
from tests.cdk.configurations import KEY_ARN

CERTIFICATE_ARN = "arn:aws:acm:eu-west-1:123456789012:certificate/1"


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        ({"snap_start": True, "provisioned_concurrency": 1}, "provisioned_concurrency, snap_start: set only one"),
        ({"timeout": 6}, "timeout: found 6, expected 1 to 5 seconds: IoT Core waits no longer"),
        ({"timeout": 0}, "timeout: found 0, expected 1 to 5"),
        ({"memory_size": 127}, "memory_size: found 127, expected 128 to 10240 MB"),
        ({"memory_size": 10_241}, "memory_size: found 10241"),
        ({"reserved_concurrency": -1}, "reserved_concurrency: found -1, expected at least 0 environments"),
        ({"provisioned_concurrency": 0}, "provisioned_concurrency: found 0, expected at least 1 environments"),
        ({"provisioned_concurrency": 1, "reserved_concurrency": 0}, "expected at most 0, the reserved_concurrency"),
        ({"provisioned_concurrency": 3, "reserved_concurrency": 2}, "found 3, expected at most 2, the reserved"),
        (
            {"secret_kms_key_arns": ["alias/chat"]},
            "found 'alias/chat', expected an ARN, arn:aws:kms:REGION",
        ),
        ({"topic_prefix": "dev/"}, "topic_prefix: found 'dev/': expected plain levels such as dev"),
        ({"log_retention_days": 31}, "log_retention_days: found 31, expected one of 1, 3, 5, 7, 14, 30, 60"),
        ({"status": "active"}, "status: found 'active', expected one of ACTIVE, INACTIVE"),
        ({"caching_for_http": "false"}, "caching_for_http: found 'false', expected True or False"),
        ({"tracing": Aws.NO_VALUE}, "tracing: found '.*', expected True or False"),
    ],
)
def test_properties_that_aws_would_refuse(properties: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidSettings, match=message):
        replace(AuthorizerProps(), **properties).check()  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        ({"domain_name": "iot.example.com"}, "domain_name, certificate_arn: set both or neither"),
        ({"certificate_arn": CERTIFICATE_ARN}, "set both or neither"),
        ({"validation_certificate_arn": CERTIFICATE_ARN}, "validation_certificate_arn: also set domain_name"),
        ({"name": "chat room"}, "^name: found 'chat room', expected 1 to 128 letters, digits and _.-"),
        ({"name": "x" * 129}, "^name: .* expected 1 to 128 letters"),
        ({"domain_name": "https://example.com", "certificate_arn": CERTIFICATE_ARN}, "domain_name: .* a host name"),
        ({"domain_name": "iot.example.com", "certificate_arn": "cert"}, "^certificate_arn: .* arn:aws:acm"),
        (
            {
                "domain_name": "iot.example.com",
                "certificate_arn": CERTIFICATE_ARN,
                "validation_certificate_arn": KEY_ARN,
            },
            "validation_certificate_arn: found 'arn:aws:kms.*', expected an ARN, arn:aws:acm",
        ),
        ({"protocol": "MQTT"}, "protocol: found 'MQTT', expected one of MQTT_WSS, SECURE_MQTT"),
        ({"tls_policy": "TLS 1.3"}, "tls_policy: found 'TLS 1.3', expected IotSecurityPolicy_"),
    ],
)
def test_a_domain_that_iot_core_would_refuse(properties: dict[str, str], message: str) -> None:
    with pytest.raises(InvalidSettings, match=message):
        replace(DomainProps(name="chat"), **properties).check()  # type: ignore[arg-type]


def test_values_that_only_the_deployment_knows_pass_every_check() -> None:
    number: int = Token.as_number({"Ref": "Most"})  # type: ignore[assignment]
    AuthorizerProps(reserved_concurrency=number, provisioned_concurrency=2).check()
    AuthorizerProps(provisioned_concurrency=number, secret_kms_key_arns=[Aws.STACK_ID]).check()
    AuthorizerProps(log_retention_days=number, status=Aws.STACK_NAME).check()  # type: ignore[arg-type]


def test_a_plain_name_is_unchanged_or_unique() -> None:
    names = ["a-b", "a=b", "a@b", "x" * 21]
    plain = [plain_name(name, "-", 20) for name in names]
    assert plain[0] == "a-b"
    assert len(set(plain)) == 4
    assert all(len(name) <= 20 for name in plain)
