"""What the linter finds about grants that reach further than the principal's own topics."""

import re

import pytest

from iot_policies import Grant, PolicyTemplate, Principal
from iot_policies.explaining import explain
from iot_policies.findings import AuditCode
from iot_policies.linter import lint

X = Principal("x", {"room": "x"})


@pytest.mark.parametrize(
    ("grant", "example"),
    [
        (Grant(publish=("#",)), "any"),
        (Grant(publish=("+/#",)), "any/any"),
        (Grant(publish=("+/{claims.room}/+",)), "any/x/any"),
        (Grant(retain=("#",)), "any"),
        (Grant(subscribe=("+/{principal}",)), "any/x"),
        (Grant(subscribe=("$share/g/+/a",)), "any/a"),
        (Grant(publish=("$aws/#",)), "$aws/things/any/shadow/update"),
        (Grant(publish=("$aws/+/#",)), "$aws/things/any/shadow/update"),
        (Grant(publish=("$aws/+/+/shadow/update",)), "$aws/things/any/shadow/update"),
        (Grant(publish=("$aws/things/#",)), "$aws/things/any/shadow/update"),
        (Grant(publish=("$aws/things/+/shadow/update",)), "$aws/things/any/shadow/update"),
        (Grant(subscribe=("$aws/things/+/jobs/#",), widen=True), "$aws/things/any/jobs/any"),
        (Grant(subscribe=("$share/g/$aws/things/#",)), "$aws/things/any/shadow/update"),
        (Grant(publish=("$aws/rules/chat_on_say/#",)), "$aws/rules/chat_on_say/any"),
        (Grant(publish=("$aws/rules/chat_on_say/+/{principal}",)), "$aws/rules/chat_on_say/any/x"),
        (Grant(publish=("$aws/rules/+/rooms/{principal}",)), "$aws/rules/any/rooms/x"),
        (Grant(publish=("$aws/rules/#",)), "$aws/rules/any"),
    ],
)
def test_broad_access_is_a_warning_with_the_code_of_device_defender_and_a_topic_that_is_allowed(
    grant: Grant, example: str
) -> None:
    template = PolicyTemplate.of([Grant(connect=("{principal}",)), grant])
    (found,) = [finding for finding in lint(template) if finding.severity == "warning"]
    assert (found.audit, re.findall('such as (?:to |by )?"(.*?)"', found.message)) == (
        AuditCode.BROAD_ACCESS,
        [example],
    )
    (key,) = [key for key, _, _ in grant.entries()]
    assert explain(template, X, "receive" if key == "subscribe" else key, example).allowed


@pytest.mark.parametrize(
    "text", ["$aws/things/{principal}/#", "$aws/things/bob/#", "$aws/events/#", "$aws/+", "a/#", "$aws/rules/a/b/#"]
)
def test_what_reaches_no_other_things_is_not_broad(text: str) -> None:
    template = PolicyTemplate.of([Grant(connect=("{principal}",), publish=(text,))])
    assert [finding for finding in lint(template) if finding.audit] == []


@pytest.mark.parametrize(
    ("grant", "audit"),
    [
        (Grant(connect=("{client_id}",), connect_with=()), AuditCode.BROAD_ACCESS),
        (Grant(connect=("public/*",), connect_with=()), AuditCode.DUPLICATE_CLIENT_ID),
    ],
)
def test_client_ids_that_are_not_bound_have_the_code_of_device_defender(grant: Grant, audit: AuditCode) -> None:
    (found,) = [finding for finding in lint(PolicyTemplate.of([grant])) if finding.severity == "warning"]
    assert found.audit is audit


def test_things_of_a_client_id_are_broad_access_if_any_client_id_is_allowed() -> None:
    topics = ("$aws/things/{client_id}/shadow/get", "devices/{client_id}/status")
    grant = Grant(connect=("{client_id}",), connect_with=(), acknowledge=("any_client_id",), publish=topics)
    found = {
        finding.location[-1]: finding.audit
        for finding in lint(PolicyTemplate.of([grant]))
        if "publish" in finding.location
    }
    assert found == {0: AuditCode.BROAD_ACCESS, 1: None}
