"""The topic prefix of `authorizer.toml`, or of its variable, is one for the Lambda and for every command."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from tests.cli.conftest import Run, refused
from tests.cli.in_process import run_here

ANN = ("policies/chat.toml", "--principal", "ann", "--claims", '{"rooms": ["lobby"]}')


@pytest.fixture(params=["key", "variable"])
def prefixed(request: pytest.FixtureRequest, folder: Path) -> Callable[..., CompletedProcess[str]]:
    """Runs a command with the prefix `dev`, which the file or the variable sets."""
    if request.param == "variable":
        return partial(run_here, folder, environment={"AUTHORIZER__TOPIC_PREFIX": "dev"})
    config = folder / "authorizer.toml"
    config.write_text('topic_prefix = "dev"\n' + config.read_text())
    return partial(run_here, folder)


def resources(printed: str) -> set[str]:
    """The resources that a principal may publish to."""
    documents = json.loads(printed)
    texts = [json.loads(each) if isinstance(each, str) else each for each in documents]
    statements = [each for document in texts for each in document["Statement"]]
    allowed = [each for each in statements if each["Effect"] == "Allow" and "iot:Publish" in each["Action"]]
    return {resource.partition(":topic/")[2] for each in allowed for resource in each["Resource"]}


def test_the_lambda_and_render_write_the_same_topics(prefixed: Callable[..., CompletedProcess[str]]) -> None:
    token = prefixed("token", *ANN[1:]).stdout.strip()
    answer = json.loads(prefixed("invoke", "--token", token).stdout)
    found = resources(json.dumps(answer["policyDocuments"]))
    assert found == resources(prefixed("render", *ANN).stdout)
    assert {each.partition("/")[0] for each in found} == {"dev"}


def test_explain_asks_for_topics_below_the_prefix(prefixed: Callable[..., CompletedProcess[str]]) -> None:
    assert prefixed("explain", *ANN, "publish", "dev/rooms/lobby/say/ann").returncode == 0
    assert prefixed("explain", *ANN, "publish", "rooms/lobby/say/ann").returncode == 1
    assert prefixed("explain", *ANN, "connect", "ann").returncode == 0


def test_the_option_replaces_the_configurations_prefix(prefixed: Callable[..., CompletedProcess[str]]) -> None:
    asked = ("explain", *ANN, "publish", "rooms/lobby/say/ann", "--topic-prefix", "")
    assert prefixed(*asked).returncode == 0


def test_the_prefix_is_not_for_a_template_that_the_configuration_does_not_name(
    prefixed: Callable[..., CompletedProcess[str]],
) -> None:
    done = prefixed("explain", "policies/broadcast.toml", "--principal", "ann", "subscribe", "dev/news/#")
    assert "with topic_prefix" not in done.stdout


def test_lint_counts_it_and_notes_reserved_topics(run: Run, folder: Path) -> None:
    (folder / "deep.toml").write_text(
        '[[grant]]\nconnect = ["{principal}"]\npublish = ["a/b/c/d/e/f/g/h", "$aws/things/{principal}/shadow/update"]\n'
    )
    done = run("lint", "deep.toml", "--topic-prefix", "dev")
    assert "has more than 7 slashes" in done.stdout
    assert "has no topic_prefix: reserved topics belong to the whole account" in done.stdout
    assert run("lint", "deep.toml").returncode == 0


def test_an_invalid_prefix_is_refused_where_it_is_set(run: Run, folder: Path) -> None:
    assert "--topic-prefix: expected plain levels" in refused(run, "render", *ANN, "--topic-prefix", "dev/#")
    config = folder / "authorizer.toml"
    config.write_text('topic_prefix = "dev/"\n' + config.read_text())
    message = "authorizer.toml:1: topic_prefix: expected plain levels such as dev or shop/dev"
    assert refused(run, "render", *ANN).startswith(message)
    assert refused(run, "invoke", "--token", "x").startswith(message)


def test_without_a_configuration_its_variables_are_not_read(folder: Path) -> None:
    (folder / "authorizer.toml").unlink()
    variables = {"AUTHORIZER__JWT__0__SECRET": "ssm:chat", "AUTHORIZER__TOPIC_PREFIX": "dev"}
    done = run_here(folder, "explain", *ANN, "publish", "rooms/lobby/say/ann", environment=variables)
    assert done.returncode == 0, done.stderr
