"""Denials that the compiler adds for one entry and that reach another one: the harmless and the refused ones."""

import pytest

from iot_policies import Grant, InvalidTopics, PolicyTemplate
from iot_policies.account_region import AccountRegion
from iot_policies.cognito_role import compile_cognito_role
from iot_policies.proofs import prove

Blocks = tuple[Grant, ...]


def grant(**keys: object) -> Grant:
    return Grant.model_validate(keys)


HARMLESS: dict[str, Blocks] = {
    "each grant contains the entry for one name": (
        grant(when={"x": "1"}, publish=["a/#"]),
        grant(when={"y": "1"}, publish=["b/#"]),
        grant(publish=["{principal}/x/+"]),
    ),
    "a list of names": (grant(publish=["a-{claims.x}/#", "{claims.y}/b/+"]),),
    "the text is a claim in both": (grant(publish=["{claims.x}/#", "{claims.y}/b/+"]),),
    "a part of the level is text": (grant(publish=["room-{claims.x}/#", "room-1/+/say"]),),
    "several texts in front": (grant(publish=["a/b/#", "{principal}/{claims.x}/+/c/+"]),),
    "a wildcard in front of the end": (grant(publish=["a/+/#", "{principal}/+/+"]),),
    "a shared subscription": (grant(subscribe=["$share/g/a/#", "$share/{claims.g}/{principal}/+"]),),
    "a container in the grant of the other entry": (
        grant(when={"x": "1"}, publish=["a/b/d/c", "a/#"]),
        grant(publish=["a/+/c"]),
    ),
    "a container in the grant of the entry itself": (
        grant(when={"x": "1"}, publish=["a/+/c", "a/#"]),
        grant(publish=["a/b/d/c"]),
    ),
    "a container without a condition": (grant(publish=["a/#"]), grant(when={"x": "1"}, publish=["a/+/c", "a/b/d/c"])),
}


@pytest.mark.parametrize("blocks", HARMLESS.values(), ids=HARMLESS)
def test_a_denial_of_an_entry_that_is_left_out_whenever_it_reaches_another_one_is_harmless(blocks: Blocks) -> None:
    assert prove(PolicyTemplate.of(blocks)).verdict == "proved"


REFUSED: dict[str, tuple[Blocks, str]] = {
    "the other entry has no wildcard": (
        (grant(publish=["{principal}/x/+", "a/x/b/c"]),),
        '"{principal}/x/+" needs a denial that would also deny grant[0], publish = "a/x/b/c", for example a/x/b/c',
    ),
    "the other entry is deeper": ((grant(publish=["{principal}/+", "a/+/+/#"]),), "for example a/any/any/any"),
    "the other entry has a text at the wildcard": (
        (grant(publish=["{principal}/+/c", "a/b/#"]),),
        "for example a/b/any/c",
    ),
    "the other entry has a text behind the wildcard": (
        (grant(publish=["a/+/b/+"]), grant(widen=True, publish=["a/+/{principal}/#"])),
        "for example a/any/{principal}/b/any",
    ),
    "the container has a condition of its own": (
        (grant(publish=["a/+/c", "a/b/d/c"]), grant(when={"x": "1"}, publish=["a/#"])),
        "for example a/b/d/c",
    ),
    "the container contains the entry for some values only": (
        (grant(publish=["a/+/c", "a/{claims.x}/d/c", "{claims.x}/#"]),),
        "for example a/{claims.x}/d/c",
    ),
    "the container needs a claim of its own": (
        (grant(subscribe=["$share/{claims.team}/a/#", "a/b/+", "$share/g/a/b/c/d"]),),
        "for example a/b/c/d",
    ),
    "a leading wildcard reaches a share": (
        (grant(subscribe=["+/status", "$share/g/x/status"]),),
        "for example $share/g/x/status: a leading wildcard does not reach what starts with $",
    ),
    "a placeholder meets a placeholder": (
        (grant(publish=["{claims.x}/+", "a-{principal}/b/{claims.y}"]),),
        "for example a-{principal}/b/{claims.y}",
    ),
}


@pytest.mark.parametrize(("blocks", "expected"), REFUSED.values(), ids=REFUSED)
def test_a_denial_that_takes_topics_of_another_entry_is_refused_with_an_example(blocks: Blocks, expected: str) -> None:
    with pytest.raises(InvalidTopics) as refused:
        PolicyTemplate.of(blocks)
    assert expected in str(refused.value)


@pytest.mark.parametrize(
    ("entry", "named", "other"),
    [
        ("+/status", "x/status", "$share/g/x/status"),
        ("#", "x/#", "$aws/things/{principal}/shadow/update"),
        ("+/+", "x/+", "$share/g/#"),
        ("$share/g/+/c", "$share/g/x/c", "$share/g/$x/c"),
    ],
)
def test_the_advice_to_name_the_first_level_helps(entry: str, named: str, other: str) -> None:
    with pytest.raises(InvalidTopics, match="name the first level; widen does not help here"):
        PolicyTemplate.of([grant(subscribe=[entry, other])])
    assert prove(PolicyTemplate.of([grant(subscribe=[named, other])])).verdict == "proved"


def test_one_policy_for_all_guests_leaves_nothing_out_for_one_of_them() -> None:
    template = PolicyTemplate.of([grant(publish=["a/#", "{principal}/x/+"])])
    place = AccountRegion("us-east-1", "123456789012")
    with pytest.raises(InvalidTopics, match="for example a/x/any/any"):
        compile_cognito_role(template, place)
    compile_cognito_role(PolicyTemplate.of([grant(publish=["{principal}/#", "{principal}/x/+"])]), place)
