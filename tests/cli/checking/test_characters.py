"""The engine that reads characters agrees with trying all short texts."""

from itertools import product

import pytest

from iot_authorizer_cli.checking.characters import FRESH, find, of_filter, of_glob
from tests.policies.reference import topic_matches, wildcard_matches

TEXTS = ["".join(each) for length in range(1, 6) for each in product("a/$", repeat=length)]


@pytest.mark.parametrize("glob", ["a/*", "*", "$*/a", "a*a", "*/a/*", "a"])
@pytest.mark.parametrize("topic_filter", ["a/+", "#", "+/a", "a/#", "+/+", "$a/+", "+"])
def test_a_shortest_text_that_only_one_of_two_matches_is_found(glob: str, topic_filter: str) -> None:
    found = find({"glob": [of_glob(glob)], "filter": [of_filter(topic_filter)]}, lambda groups: len(groups) == 1)
    wrong = [each for each in TEXTS if wildcard_matches(glob, each) != topic_matches(topic_filter, each)]
    assert (found is None) == (wrong == [])
    if found is not None:
        text = found.replace(FRESH, "x")
        assert wildcard_matches(glob, text) != topic_matches(topic_filter, text)
        assert len(found) <= min(map(len, wrong))


def test_only_valid_filters_are_found() -> None:
    groups = {"it": [of_glob("a*")]}
    assert find(groups, bool, filters=True) == "a"
    assert find({"it": [of_glob("#*")], "hash": [of_glob("#")]}, lambda found: found == {"it"}, filters=True) is None
    assert find({"it": [of_glob("$share/*")]}, bool, filters=True) is None
    assert find({"it": [of_glob("$share/g/*")]}, bool, filters=True, begin="$share/g/") is not None
