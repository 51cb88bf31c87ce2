"""What is allowed in a template and still a mistake."""

from pathlib import Path

import pytest

from iot_policies import Deny, Grant, PolicyTemplate, SessionTimes
from iot_policies.linter import lint

CONNECT = Grant(connect=("{principal}",))


def warnings(*blocks: Grant | Deny) -> list[str]:
    return [finding.message for finding in lint(PolicyTemplate.of([*blocks])) if finding.severity == "warning"]


@pytest.mark.parametrize(
    ("blocks", "advice"),
    [
        *(
            ((CONNECT, block), advice)
            for block, advice in (
                (Grant(publish=("{principal}{claims.x}",)), "two placeholders in one level"),
                (Grant(publish=("a-{principal}-{claims.x}/b",)), "two placeholders in one level"),
                (Grant(publish=("users/all/x", "users/{principal}/x")), 'for the value "all"'),
                (Grant(subscribe=("users/all/#", "users/{principal}/x")), 'for the value "all"'),
                (Grant(publish=("a/b/c/d/e/f/g/h/i",)), "more than 7 slashes"),
                (Grant(subscribe=("$share/g/a/b/c/d/e/f/g/h/i",)), "more than 7 slashes"),
                (Grant(publish=("a" * 257,)), "longer than 256 bytes"),
                (Grant(publish=("$aws/things/+/shadow/update",)), "every thing"),
                (Grant(publish=("$sys/a",)), "reserves"),
                (Grant(subscribe=("$share/g/$sys/a",)), "reserves"),
                (Grant(publish=("#",)), 'allows every principal to publish everywhere, such as to "any"; if'),
                (Grant(publish=("+/a",)), "every principal may publish to it, whatever the first level is"),
                (Grant(publish=("+/a",)), 'set acknowledge = ["leading_wildcard"] in grant[1]'),
                (Grant(retain=("+/{principal}",)), "every principal may publish to it, also with RETAIN"),
                (Grant(name="all", subscribe=("#",)), 'set acknowledge = ["leading_wildcard"] in grant "all"'),
                (Grant(subscribe=("$share/g/#",)), "allows every principal to subscribe everywhere"),
                (Grant(retain=("#",)), "allows every principal to publish everywhere, also with RETAIN"),
                (
                    Grant(when={"role": ("a", "b"), "x": "*"}, publish=("#",)),
                    "allows every principal with role = a or b, the claim x to publish everywhere",
                ),
                (
                    Grant(acknowledge=("leading_wildcard",), publish=("a/#",)),
                    "no entry of this grant begins with a wildcard: remove",
                ),
            )
        ),
        ((Grant(publish=("a",)),), "no grant has connect"),
        ((Deny(publish=("{claims.x}/a",)),), "no grant has connect"),
    ],
)
def test_a_mistake_is_found(blocks: tuple[Grant | Deny, ...], advice: str) -> None:
    assert [advice in message for message in warnings(*blocks)] == [True]


@pytest.mark.parametrize("name", ["romos", "room", "roms", "roomss", "roops"])
def test_a_claim_that_is_one_typo_away_from_another_is_found(name: str) -> None:
    block = Grant(publish=("a/{claims.rooms}/x", f"b/{{claims.{name}}}/y"))
    expected = f"the claims rooms and {name} differ by one typo: is one of them meant to be the other?"
    assert warnings(CONNECT, block) == [expected]


def test_a_typo_is_found_in_what_a_grant_asks_for(tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    file.write_text('[[grant]]\nconnect = ["{principal}"]\npublish = ["a/{claims.rooms}"]\nwhen = { room = "*" }\n')
    (found,) = [each for each in lint(PolicyTemplate.load(file)) if each.severity == "warning"]
    assert found.message.startswith("the claims room and rooms differ by one typo")


@pytest.mark.parametrize(
    "block",
    [
        Grant(publish=("users/{principal}/x", "rooms/all/x")),
        Grant(publish=("{principal}/{claims.x}",)),
        Grant(publish=("users/all/x", "users/{principal}/y")),
        Grant(publish=("a/b/c/d/e/f/g/h",)),
        Grant(publish=("$aws/things/{principal}/shadow/update",)),
        Grant(publish=("a" * 256,)),
        Grant(acknowledge=("leading_wildcard",), publish=("#",), subscribe=("#",)),
        Grant(acknowledge=("leading_wildcard",), subscribe=("$share/g/#",)),
        Grant(publish=("{claims.x}/#",)),
        Deny(publish=("#",)),
        Deny(publish=("a/#",)),
        *(
            pytest.param(Grant(publish=(f"a/{{claims.{one}}}/x", f"b/{{claims.{other}}}/y")), id=f"{one} and {other}")
            for one, other in (("group1", "group2"), ("role", "site"), ("rooms", "room_ids"))
        ),
    ],
)
def test_a_correct_template_has_no_findings(block: Grant | Deny) -> None:
    assert warnings(CONNECT, block) == []


def test_a_finding_has_its_place() -> None:
    findings = lint(PolicyTemplate.of([CONNECT, Grant(publish=("a", "{principal}{claims.x}"))]))
    assert findings[0].location == ("grant", 1, "publish", 1)


def test_it_is_said_how_many_values_of_a_list_claim_fit() -> None:
    template = PolicyTemplate.of([CONNECT, Grant(publish=("rooms/{claims.rooms}/x",))])
    assert any("values of claims.rooms" in finding.message for finding in lint(template) if finding.severity == "note")


@pytest.mark.parametrize(("publish", "notes"), [(("a",), 1), ((), 0)])
def test_it_is_said_how_long_https_clients_are_not_asked_again(publish: tuple[str, ...], notes: int) -> None:
    session = SessionTimes(refresh_after=20 * 60)
    template = PolicyTemplate.of([CONNECT, Grant(publish=publish)], session=session)
    found = [finding.message for finding in lint(template) if "for up to 20m (refresh_after)" in finding.message]
    assert len(found) == notes
