"""Keys that `iot-authorizer keys` made, as the construct and the Lambda directory take them."""

from pathlib import Path

from aws_cdk.assertions import Match

from iot_authorizer.configuration import load_configuration
from iot_authorizer_cdk.configured_files import configured_files
from iot_authorizer_cdk.settings import read_settings
from iot_authorizer_cli.signing.changing import make_key, retire_key
from tests.cdk.conftest import Synth


def test_the_settings_have_the_public_halves_as_they_are(config: Path) -> None:
    make_key(config, "old", 2048)
    make_key(config, "new", 4096)
    halves = {name: (config.parent / f"keys/{name}.pem").read_text() for name in ("old", "new")}
    assert read_settings(config, {}).public_keys == halves


def test_the_authorizer_is_given_them(synth: Synth, config: Path) -> None:
    make_key(config, "old", 2048)
    make_key(config, "new", 2048)
    retire_key(config, "old")
    keys = {"new": (config.parent / "keys/new.pem").read_text()}
    properties = {"SigningDisabled": False, "TokenSigningPublicKeys": Match.object_equals(keys)}
    synth().has_resource_properties("AWS::IoT::Authorizer", properties)


def test_what_is_packaged_has_no_private_key(config: Path) -> None:
    make_key(config, "first", 2048)
    assert [*config.parent.rglob("private/*.pem")]
    packaged = configured_files(config, load_configuration(config, {}))
    assert [path for path in packaged if path.suffix == ".pem"] == [Path("keys/first.pem")]
