"""The authorizer in IoT Core: a resource that never changes, and a custom resource that holds its settings.

1. Its properties depend only on the authorizer's name and on signing, and it has no tags: it is never updated.
   unmeasured (reported, https://github.com/hashicorp/terraform-provider-awscc/issues/1543, 15 April 2024): that
   CloudFormation's handler of AWS::IoT::Authorizer fails each update of an authorizer without signing, and each removal
   of tags (issue 1544 there).
2. It is created INACTIVE, with a key that has no known private half. The settings, by UpdateAuthorizer, replace the
   key and make it ACTIVE: IoT Core never accepts a client under provisional values.
3. A rollback sends the previous settings. Deletion makes it INACTIVE, because CloudFormation's handler deletes an
   authorizer that the template calls INACTIVE without making it so.
4. IoT Core has two keys, `key-1` and `key-2`, not those names of `authorizer.toml`: UpdateAuthorizer replaces keys of
   the same name. With one key, both are this key.
   unmeasured: whether anything removes a key from an authorizer in IoT Core (assumed: nothing does).
5. SigningDisabled cannot be changed. With signing, the name ends with `-signed`, so that CloudFormation creates another
   authorizer and deletes this one.
6. The IDs of all these resources have the name in them. So another name leaves none of them in the template: the
   previous role still may change the previous authorizer when CloudFormation deletes its settings, and these depend on
   the authorizer, so that CloudFormation deletes them first.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import jsii
from aws_cdk import Annotations, AspectPriority, Aspects, IAspect, Stack, aws_iam, aws_iot
from constructs import Construct, IConstruct
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from iot_authorizer_cdk.constructs.account_functions import AccountFunction
from iot_authorizer_cdk.properties import InvalidSettings

STACK_TAGS = "iot-authorizer:stackTags"
"""The ID of the warning about tags of the stack."""
_FIRST_TOKEN_KEY_NAME = "token"  # noqa: S105 (a name)
_KEY_NAMES = ("key-1", "key-2")
_RSA_2048 = int(
    "25195908475657893494027183240048398571429282126204032027777137836043662020707595556264018525880784406918"
    "29064124951508218929855914917618450280848912007284499268739280728777673597141834727026189637501497182469"
    "11650776133798590957000973304597488084284017974291006424586918171951187461215151726546322822168699875491"
    "82422433637259085141865462043576798423387184774447920739934236584823824281198163815010674810451660377306"
    "05620161967625613384414360383390441495263443219011465754445417842402092461651572335077870774981712577246"
    "7962926386356373289912154831438167899885040445364023527381951378636564391212010397122822120720357"
)
"""The largest number of the RSA Factoring Challenge: its factors are not known, so there is no private key."""


@dataclass(frozen=True, kw_only=True)
class AuthorizerSettings:
    """What deployments may change of an authorizer."""

    function_arn: str
    token_key_name: str | None
    public_keys: Mapping[str, str]
    """PEM by name, at most two. With any key, the authorizer is one with signing."""
    status: str
    caching_for_http: bool


class AuthorizerResource(Construct):
    """An authorizer in IoT Core, with its settings. Its name is part of its ID."""

    def __init__(self, scope: Construct, *, name: str, settings: AuthorizerSettings) -> None:
        super().__init__(scope, f"Authorizer-{name}")
        self.name = name
        _check_name(self, name)
        signing = bool(settings.public_keys)
        self.arn = Stack.of(self).format_arn(service="iot", resource="authorizer", resource_name=name)
        self.resource = aws_iot.CfnAuthorizer(
            self,
            "Resource",
            authorizer_name=name,
            authorizer_function_arn=settings.function_arn,
            status="INACTIVE",
            signing_disabled=not signing,
            token_key_name=_FIRST_TOKEN_KEY_NAME if signing else None,
            token_signing_public_keys={_KEY_NAMES[0]: _provisional_key()} if signing else None,
        )
        self.resource.add_property_deletion_override("Tags")
        Aspects.of(self.resource).add(_StackTagsWarning(), priority=AspectPriority.READONLY)
        function = AccountFunction(
            self,
            "Settings",
            source="authorizer_settings_function",
            resource_type="Custom::IotAuthorizerSettings",
            properties={"AuthorizerName": name, "Settings": _members(settings)},
            statements=[aws_iam.PolicyStatement(actions=["iot:UpdateAuthorizer"], resources=[self.arn])],
        )
        function.resource.node.add_dependency(self.resource)


def _check_name(resource: AuthorizerResource, name: str) -> None:
    """Raises InvalidSettings if another authorizer of the stack has the name."""
    others = (each for each in Stack.of(resource).node.find_all() if isinstance(each, AuthorizerResource))
    for other in others:
        if other is not resource and other.name == name:
            problem = f"{other.node.path.rpartition('/')[0]} of this stack has the same"
            raise InvalidSettings(f"name: found {name}, but {problem}: set name=… of one of the two constructs")


def _provisional_key() -> str:
    """Returns a public key whose private half is not known."""
    key = RSAPublicNumbers(65537, _RSA_2048).public_key()
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def _members(settings: AuthorizerSettings) -> dict[str, object]:
    """The settings as members of UpdateAuthorizer, with texts for all values as in CloudFormation."""
    found: dict[str, object] = {
        "authorizerFunctionArn": settings.function_arn,
        "status": settings.status,
        "enableCachingForHttp": str(settings.caching_for_http).lower(),
    }
    if settings.token_key_name is not None:
        found["tokenKeyName"] = settings.token_key_name
    if keys := [settings.public_keys[name] for name in sorted(settings.public_keys)]:
        # unmeasured: whether IoT Core accepts one key under two names.
        found["tokenSigningPublicKeys"] = dict(zip(_KEY_NAMES, (keys[0], keys[-1]), strict=True))
    return found


@jsii.implements(IAspect)
class _StackTagsWarning:
    """Warns if the stack has tags: CloudFormation gives them to every resource, also to the authorizer."""

    def visit(self, node: IConstruct) -> None:
        """Visits the authorizer after all tags are known."""
        if tags := sorted(Stack.of(node).tags.tag_values()):
            Annotations.of(node).add_warning_v2(
                STACK_TAGS,
                f"the stack's tags ({', '.join(tags)}) reach AWS::IoT::Authorizer, whose updates and removals of tags "
                "are reported to fail in CloudFormation. Tag the resources instead: Tags.of(scope).add(key, value, "
                'exclude_resource_types=["aws:cdk:stack"]), or never change these tags.',
            )
