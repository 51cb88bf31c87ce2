"""Findings of cdk-nag that are as they should be, each with its reason."""

from aws_cdk import Acknowledgment, Validations
from constructs import IConstruct


def acknowledge(role: IConstruct, resource: str, reason: str) -> None:
    """Lets a role have a wildcard as a resource, which AwsSolutions-IAM5 finds."""
    finding = f"AwsSolutions::AwsSolutions-IAM5[Resource::{resource}]"
    Validations.of(role).acknowledge(Acknowledgment(id=finding, reason=reason))
