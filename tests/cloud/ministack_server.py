"""ministack with the CloudFormation resources that it lacks. The interpreter of `.venv-cloud` runs it.

AWS::IoT::Authorizer uses IoT's API at AWS_ENDPOINT_URL_IOT. The others only count as deployed: a saved query is not
stored, and an alarm on metric math is stored without its metrics.
"""

import uuid
from typing import Any

import boto3
from ministack.app import main
from ministack.services.cloudformation import provisioners

Properties = dict[str, Any]
Provisioned = tuple[str, dict[str, str]]

_HANDLERS = provisioners._RESOURCE_HANDLERS
_ALARM = "AWS::CloudWatch::Alarm"


def create_authorizer(logical_id: str, properties: Properties, stack: str) -> Provisioned:
    name = properties.get("AuthorizerName") or f"{stack}-{logical_id}"
    made = boto3.client("iot").create_authorizer(**_members(properties) | {"authorizerName": name})
    return name, {"Arn": made["authorizerArn"]}


def update_authorizer(name: str, before: Properties, properties: Properties, stack: str) -> Provisioned:
    """Fails like CloudFormation's handler (hashicorp/terraform-provider-awscc #1543)."""
    changed = [key for key in {**before, **properties} if before.get(key) != properties.get(key)]
    if changed:
        raise ValueError(f"AWS::IoT::Authorizer: an update fails; changed: {', '.join(changed)}")
    return name, {
        "Arn": boto3.client("iot").describe_authorizer(authorizerName=name)["authorizerDescription"]["authorizerArn"]
    }


def delete_authorizer(name: str, properties: Properties) -> None:
    """Makes an authorizer inactive only if the template does not call it so, as CloudFormation's handler does."""
    iot = boto3.client("iot")
    if properties.get("Status") != "INACTIVE":
        iot.update_authorizer(authorizerName=name, status="INACTIVE")
    iot.delete_authorizer(authorizerName=name)


def _members(properties: Properties) -> dict[str, Any]:
    """Renames properties for the API."""
    return {key[0].lower() + key[1:]: value for key, value in properties.items()}


def _one_metric(properties: Properties) -> Properties:
    """Turns an alarm on metric math into one on a metric that does not exist."""
    if "Metrics" not in properties:
        return properties
    kept = {key: value for key, value in properties.items() if key != "Metrics"}
    return kept | {"Namespace": "metric math", "MetricName": "metric math"}


_HANDLERS["AWS::IoT::Authorizer"] = {
    "create": create_authorizer,
    "update": update_authorizer,
    "delete": delete_authorizer,
}
_HANDLERS["AWS::Logs::QueryDefinition"] = {
    "create": lambda logical_id, properties, stack: (str(uuid.uuid4()), {}),
    "update": lambda physical_id, before, properties, stack: (physical_id, {}),
    "delete": lambda physical_id, properties: None,
}
_known = dict(_HANDLERS[_ALARM])
_HANDLERS[_ALARM] = _known | {
    "create": lambda logical_id, properties, stack: _known["create"](logical_id, _one_metric(properties), stack),
    "update": lambda physical_id, before, properties, stack, logical_id: _known["update"](
        physical_id, _one_metric(before), _one_metric(properties), stack, logical_id
    ),
}

if __name__ == "__main__":
    main()
