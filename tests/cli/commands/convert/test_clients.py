"""Which clients `convert acl` compares: none that a file could tell apart is missing."""

from pathlib import Path

import pytest

from tests.cli.commands.convert.test_command import report

LONG_PATTERNS = "".join(f"pattern read topic-number-{number}/%u/and-some-more-text\n" for number in range(60))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("pattern read %u/+/%u/#\npattern deny any/#\n", "a user without rules receive any-other/any1/any-other"),
        ("pattern read %u/a/b\npattern deny x/+\n", "a user without rules receive x/a/b"),
        ("pattern read %u/a/b\npattern deny x-%c/+\n", "a user without rules receive x-any-client/a/b"),
        ("pattern read %u%c/a/b\npattern deny mine/+\n", "a user without rules receive mine/a/b"),
        ("user ann\ntopic read x/ann-1\npattern deny x/%u-%c\n", "user ann receive x/ann-1"),
        ("user ann\ntopic read x/1-1\npattern deny x/%c-%c\n", "user ann receive x/1-1"),
        ("user ann\ntopic read x/%c1\npattern deny x/%c\n", "user ann receive x/%c1"),
        ("user a%c\ntopic read x/a%c-1\npattern deny x/%u-%c\n", "user a%c receive x/a%c-1"),
        (
            LONG_PATTERNS,
            "a user without rules, with a name of 128 characters gets no policy here: policy_too_large",
        ),
    ],
)
def test_a_difference_of_special_names_and_client_ids_is_found(tmp_path: Path, text: str, found: str) -> None:
    assert found in report(tmp_path, text, "--client-ids", "any")
