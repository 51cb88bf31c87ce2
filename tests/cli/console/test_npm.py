"""What comes from npm."""

import json
from typing import cast

from tests import ROOT


def lock() -> dict[str, dict[str, object]]:
    return cast("dict[str, dict[str, object]]", json.loads((ROOT / "package-lock.json").read_text())["packages"])


def test_mqtt_js_is_pinned() -> None:
    wanted = json.loads((ROOT / "package.json").read_text())["dependencies"]["mqtt"]
    assert wanted == lock()["node_modules/mqtt"]["version"]


def test_the_lock_names_no_registry_but_npms_own() -> None:
    places = {str(package["resolved"]) for package in lock().values() if "resolved" in package}
    assert all(place.startswith("https://registry.npmjs.org/") for place in places)


def test_each_package_is_locked_by_its_hash() -> None:
    assert all("integrity" in package for name, package in lock().items() if name)
