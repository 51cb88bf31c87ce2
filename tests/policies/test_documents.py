"""Documents that IoT Core would refuse are refused, with the place."""

import json

import pytest

from iot_policies.documents import InvalidDocument, parse_document

GOOD = {"Effect": "Allow", "Action": "iot:Connect", "Resource": "*"}
ARN = "arn:aws:iot:us-east-1:123456789012:topic/a"


def without(key: str, **changes: object) -> dict[str, object]:
    return {name: value for name, value in GOOD.items() if name != key} | changes


@pytest.mark.parametrize(
    ("statement", "place"),
    [
        ("x", "Statement[1]: "),
        (without("Effect"), "Statement[1].Effect: "),
        (GOOD | {"Effect": "allow"}, "Statement[1].Effect: "),
        (GOOD | {"Effect": None}, "Statement[1].Effect: "),
        (GOOD | {"Effect": ["Allow"]}, "Statement[1].Effect: "),
        (without("Action"), "Statement[1]: expected one of Action and NotAction"),
        (GOOD | {"NotAction": "*"}, "Statement[1]: expected one of Action and NotAction"),
        (without("Resource"), "Statement[1]: expected one of Resource and NotResource"),
        (GOOD | {"NotResource": "*"}, "Statement[1]: expected one of Resource and NotResource"),
        (GOOD | {"Action": []}, "Statement[1].Action: "),
        (GOOD | {"Action": 7}, "Statement[1].Action: "),
        (GOOD | {"Action": ["iot:Connect", 7]}, "Statement[1].Action: "),
        (GOOD | {"Action": {"a": "b"}}, "Statement[1].Action: "),
        (GOOD | {"Action": "Connect"}, "Statement[1].Action: "),
        (without("Action", NotAction="Connect"), "Statement[1].NotAction: "),
        (GOOD | {"Resource": []}, "Statement[1].Resource: "),
        (GOOD | {"Resource": "topic/a"}, "Statement[1].Resource: "),
        (GOOD | {"Resource": [ARN, "topic/a"]}, "Statement[1].Resource: "),
        (without("Resource", NotResource="topic/a"), "Statement[1].NotResource: "),
        (without("Resource", NotResource=[]), "Statement[1].NotResource: "),
        (GOOD | {"Principal": "*"}, "Statement[1].Principal: "),
        (GOOD | {"effect": "Allow"}, "Statement[1].effect: "),
        (GOOD | {"Condition": []}, "Statement[1].Condition: "),
        (GOOD | {"Condition": {"StringEqual": {}}}, "Statement[1].Condition: expected condition keys"),
        (GOOD | {"Condition": {"StringEquals": {"iot:ClientId": 7}}}, "Statement[1].Condition: iot:ClientId: "),
    ],
)
def test_a_malformed_statement_is_refused_with_its_place(statement: object, place: str) -> None:
    with pytest.raises(InvalidDocument) as refusal:
        parse_document({"Version": "2012-10-17", "Statement": [GOOD, statement]})
    assert str(refusal.value).startswith(place)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("", "expected JSON"),
        ("{", "expected JSON"),
        ("[" * 100_000, "expected JSON"),
        ('{"Statement": [{"Effect": "Deny", "Effect": "Allow"}]}', "Effect: duplicate key in a JSON object"),
        ("[]", "expected a JSON object"),
        ("null", "expected a JSON object"),
        ('"a"', "expected a JSON object"),
        ("{}", "Statement: "),
        ('{"Statement": []}', "Statement: "),
        ('{"Statement": "a"}', "Statement: "),
        ('{"Statement": 7}', "Statement: "),
        ('{"Version": "2012-10-18", "Statement": []}', "Version: "),
        ('{"Version": 2012, "Statement": []}', "Version: "),
        ('{"Version": ["2012-10-17"], "Statement": []}', "Version: "),
        ('{"Statements": []}', "Statements: "),
    ],
)
def test_a_malformed_document_is_refused(document: str, message: str) -> None:
    with pytest.raises(InvalidDocument) as refusal:
        parse_document(document)
    assert str(refusal.value).startswith(message)


@pytest.mark.parametrize("version", ["2012-10-17", "2008-10-17"])
def test_a_document_of_either_version_may_have_an_id_and_a_single_statement_a_sid_and_no_list(version: str) -> None:
    assert parse_document(json.dumps({"Version": version, "Id": "x", "Statement": GOOD | {"Sid": "first"}}))


@pytest.mark.parametrize("key", ["Action", "Resource"])
def test_negated_lists_are_marked(key: str) -> None:
    parsed = parse_document({"Statement": [without(key, **{f"Not{key}": ["*"]})]})[0]
    assert (parsed.not_actions, parsed.not_resources) == (key == "Action", key == "Resource")
