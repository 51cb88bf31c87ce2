"""The account's endpoint, for the outputs: CloudFormation knows it not."""

from constructs import Construct

from iot_authorizer_cdk.account_function import AccountFunction


class Endpoint(Construct):
    """IoT Core's data endpoint in this account and region."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        function = AccountFunction(
            self,
            "Account",
            source="endpoint_function",
            resource_type="Custom::IotEndpoint",
            properties={"EndpointType": "iot:Data-ATS"},
            actions=["iot:DescribeEndpoint"],
        )
        self.address = function.resource.get_att_string("Address")
        """As `abc-ats.iot.eu-west-1.amazonaws.com`."""
