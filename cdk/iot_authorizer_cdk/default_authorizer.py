"""The account's default authorizer: CloudFormation has no resource for it."""

from aws_cdk import Stack, aws_iam
from constructs import Construct

from iot_authorizer_cdk.account_function import AccountFunction
from iot_authorizer_cdk.acknowledged import acknowledge


class DefaultAuthorizer(Construct):
    """Makes an authorizer the account's default one, and sets back what was there before when it is deleted."""

    def __init__(self, scope: Construct, construct_id: str, *, authorizer_name: str) -> None:
        super().__init__(scope, construct_id)
        any_authorizer = Stack.of(self).format_arn(service="iot", resource="authorizer", resource_name="*")
        function = AccountFunction(
            self,
            "Account",
            source="default_authorizer_function",
            resource_type="Custom::DefaultAuthorizer",
            properties={"AuthorizerName": authorizer_name},
            actions=["iot:DescribeDefaultAuthorizer", "iot:ClearDefaultAuthorizer"],
            statements=[aws_iam.PolicyStatement(actions=["iot:SetDefaultAuthorizer"], resources=[any_authorizer])],
        )
        shown = "arn:<AWS::Partition>:iot:<AWS::Region>:<AWS::AccountId>:authorizer/*"
        acknowledge(function.role, shown, "what was the default before is set back, whatever it is called")
