"""The client IDs that a template grants a principal."""

import pytest

from iot_authorizer_cli.commands.revoke.client_ids import ClientIds, granted
from iot_policies import Deny, Grant, PolicyTemplate, Principal

ANN = Principal("ann")


def of(*grants: Grant | Deny, principal: Principal = ANN) -> ClientIds:
    return granted(PolicyTemplate.of(grants), principal)


def test_entries_with_the_principals_name_are_known() -> None:
    assert of(Grant(connect=["{principal}", "devices/{principal}"])).known == ("ann", "devices/ann")


def test_entries_with_its_claims_are_known() -> None:
    devices = Principal("ann", {"devices": ["a", "b"]})
    assert of(Grant(connect=["{claims.devices}"]), principal=devices) == ClientIds(("a", "b"), ())


@pytest.mark.parametrize(
    ("entry", "unknown"),
    [
        ("{principal}/*", "ann/*"),
        ("{client_id}", "{client_id}"),
        ("{principal}/{claims.device}", "ann/{claims.device}"),
    ],
)
def test_entries_for_many_client_ids_are_unknown(entry: str, unknown: str) -> None:
    assert of(Grant(connect=[entry])) == ClientIds((), (unknown,))


def test_an_entry_with_its_name_is_known_whatever_claims_the_grant_needs() -> None:
    assert of(Grant(when={"role": "device"}, connect=["{principal}"])).known == ("ann",)


def test_an_entry_for_others_is_ignored() -> None:
    assert of(Grant(when={"role": "display"}, connect=["display"])) == ClientIds((), ())


def test_a_deny_grants_nothing() -> None:
    assert of(Deny(connect=["{principal}"])) == ClientIds((), ())


def test_topics_are_not_client_ids() -> None:
    assert of(Grant(publish=["{principal}"], subscribe=["{principal}"])) == ClientIds((), ())


def test_a_brace_in_a_name_is_not_a_placeholder() -> None:
    assert of(Grant(connect=["{principal}"]), principal=Principal("{ann}")).known == ("{ann}",)


@pytest.mark.parametrize("name", ["a/b", "#", "$a", "x" * 129, "\ud800"])
def test_a_principal_that_cannot_connect_has_no_client_ids(name: str) -> None:
    assert of(Grant(connect=["{principal}"]), principal=Principal(name)) == ClientIds((), ())


def test_a_client_id_that_is_too_long_for_iot_core_is_left_out() -> None:
    assert of(Grant(connect=["devices/{principal}"]), principal=Principal("x" * 121)).known == ()
