"""`iot-authorizer lint`: mistakes with their file, line and entry."""

from pathlib import Path

from tests.cli.conftest import Run, refused

CHAT = "policies/chat.toml"


def test_the_ready_templates_are_clean(run: Run) -> None:
    done = run("lint", CHAT, "policies/fleet.toml", "policies/broadcast.toml", "policies/public.toml")
    assert (done.returncode, "warning" in done.stdout) == (0, False)


def test_lint_exits_with_1_and_names_file_line_and_entry(run: Run, folder: Path) -> None:
    (folder / "own.toml").write_text('[[grant]]\nconnect = ["sensor"]\n')
    done = run("lint", "own.toml")
    assert done.returncode == 1
    assert done.stdout.startswith('own.toml:2: warning: grant[0].connect[0]: "sensor" is not bound to the principal')


def test_each_finding_has_its_line_and_the_code_of_device_defender(run: Run, folder: Path) -> None:
    (folder / "own.toml").write_text('[[grant]]\nconnect = ["{principal}"]\npublish = ["#"]\nretain = ["+/a"]\n')
    first, second, *_ = run("lint", "own.toml").stdout.splitlines()
    assert [each.split(": ")[:3] for each in (first, second)] == [
        ["own.toml:3", "warning", "grant[0].publish[0]"],
        ["own.toml:4", "warning", "grant[0].retain[0]"],
    ]
    assert first.endswith(" [ALLOWS_BROAD_ACCESS_TO_IOT_DATA_PLANE_ACTIONS]")


def test_lint_skips_tests_so_all_files_of_a_folder_can_be_named(run: Run) -> None:
    done = run("lint", CHAT, "policies/chat.test.toml")
    assert (done.returncode, done.stderr.endswith(" in 1 template\n")) == (0, True)


def test_lint_of_nothing_but_tests_is_a_usage_error(run: Run) -> None:
    assert "POLICY: expected a policy template, found only tests" in refused(run, "lint", "policies/chat.test.toml")


def test_lint_knows_the_clients_without_credentials_of_the_configuration_that_names_the_template(
    run: Run, folder: Path
) -> None:
    assert run("lint", CHAT).returncode == 0
    config = folder / "authorizer.toml"
    config.write_text(f'{config.read_text()}\n[anonymous]\nprincipal = "public"\n')
    done = run("lint", CHAT)
    assert (done.returncode, "clients without credentials, too, which are all public" in done.stdout) == (1, True)
    assert run("lint", "policies/fleet.toml").returncode == 0
