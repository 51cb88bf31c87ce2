"""The code of a handler of your own: what is deployed of it, and which imports are refused."""

import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from iot_authorizer_cdk.package.own_code import OwnCode, own_code
from iot_policies import InvalidFile

HANDLING = "def lambda_handler(event, context): ...\n"


def write(folder: Path, files: Mapping[str, str]) -> None:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)


def found(folder: Path, files: Mapping[str, str], handler: str = "rules.lambda_handler") -> OwnCode:
    """The code of a project with these files."""
    write(folder, {"authorizer.toml": f'name = "chat"\nhandler = "{handler}"\n', **files})
    code = own_code(folder / "authorizer.toml", {("handler",): handler})
    assert code is not None
    return code


def check(code: OwnCode, folder: Path) -> None:
    """Checks it against a directory in which only `jwt` and `_cffi_backend` are installed."""
    write(folder, {"installed/jwt/__init__.py": "", "installed/_cffi_backend.cpython-314.so": ""})
    write(folder, {"installed/httpx-1.0.dist-info/METADATA": ""})
    code.check(folder / "installed", sys.stdlib_module_names)


@pytest.mark.parametrize(
    ("handler", "files", "taken"),
    [
        pytest.param("rules.lambda_handler", {"rules.py": HANDLING, "other.py": ""}, {"rules.py"}, id="one module"),
        pytest.param(
            "rules.lambda_handler",
            {"rules.py": f"import rooms, json\n{HANDLING}", "rooms.py": "from users import find", "users.py": ""},
            {"rules.py", "rooms.py", "users.py"},
            id="what it imports, and so on",
        ),
        pytest.param(
            "rules.lambda_handler",
            {
                "rules.py": f"def late():\n    from rooms import names\n{HANDLING}",
                "rooms/__init__.py": "",
                "rooms/names.py": "",
            },
            {"rules.py", "rooms/__init__.py", "rooms/names.py"},
            id="a folder that a function imports",
        ),
        pytest.param(
            "rules.http.lambda_handler",
            {
                "rules/__init__.py": "from . import users",
                "rules/http.py": f"from .users import find\nfrom ..rules import users\n{HANDLING}".replace(
                    "..rules", "."
                ),
                "rules/users.py": "",
                "rules/users.json": "{}",
                "rules/sub/more.py": "",
                "rules/.env": "SECRET=1",
                "rules/.git/config": "",
                "rules/__pycache__/http.pyc": "",
                "rules/tests/test_http.py": "",
                "rules/test_users.py": "",
                "rules/users_test.py": "",
                "rules/conftest.py": "",
                "tests/test_rules.py": "",
            },
            {"rules/__init__.py", "rules/http.py", "rules/users.py", "rules/users.json", "rules/sub/more.py"},
            id="a folder without tests, caches and dot files",
        ),
        pytest.param(
            "rules.lambda_handler",
            {"rules.py": f"try:\n    import fast\nexcept ImportError:\n    import slow\n{HANDLING}", "slow.py": ""},
            {"rules.py", "slow.py"},
            id="the alternative to a missing module",
        ),
        pytest.param(
            "rules.lambda_handler",
            {
                "rules.py": f"from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import stubs\n{HANDLING}",
                "stubs.py": "",
            },
            {"rules.py"},
            id="nothing for type checkers only",
        ),
    ],
)
def test_the_lambda_gets_the_handler_and_what_it_imports_from_its_folder(
    tmp_path: Path, handler: str, files: Mapping[str, str], taken: set[str]
) -> None:
    code = found(tmp_path, files, handler)
    assert {str(path) for path in code.files} == taken
    check(code, tmp_path)


def test_no_code_runs(tmp_path: Path) -> None:
    found(tmp_path, {"rules.py": f"{HANDLING}\nraise SystemExit"})


def test_the_packages_own_handler_has_no_other_code(tmp_path: Path) -> None:
    assert own_code(tmp_path / "authorizer.toml", {}) is None


@pytest.mark.parametrize(
    "statement",
    [
        "import jwt",
        "import jwt.algorithms",
        "from jwt import encode",
        "import _cffi_backend",
        "import boto3, botocore.config",
        "import os.path",
        "try:\n    import ujson\nexcept (ValueError, ModuleNotFoundError): ...",
        "try:\n    import ujson\nexcept: ...",
        "import sys\nif sys.version_info >= (3, 14):\n    import ujson",
        "import typing\nif typing.TYPE_CHECKING:\n    import ujson",
    ],
)
def test_an_import_that_works_in_lambda_or_may_fail_is_accepted(tmp_path: Path, statement: str) -> None:
    check(found(tmp_path, {"rules.py": f"{statement}\n{HANDLING}"}), tmp_path)


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("import httpx", r"rules\.py:1: import httpx: nothing in the Lambda function provides httpx: lock its "),
        ("\n\nfrom httpx import get", r"rules\.py:3: from httpx import get: nothing in"),
        ("def late():\n    import httpx", r"rules\.py:2: import httpx: "),
        ("try:\n    import httpx\nexcept OSError: ...", r"rules\.py:2: import httpx: "),
        ("try:\n    import ujson\nexcept ImportError:\n    import httpx", r"rules\.py:4: import httpx: "),
        ("match 1:\n    case 1:\n        import httpx", r"rules\.py:3: import httpx: "),
        ("import rooms", r"rules\.py:1: import rooms: .*: the folder rooms has no __init__\.py"),
    ],
)
def test_an_import_that_nothing_provides_is_refused_with_its_place(
    tmp_path: Path, statement: str, message: str
) -> None:
    (tmp_path / "rooms").mkdir()
    code = found(tmp_path, {"rules.py": f"{statement}\n{HANDLING}"})
    with pytest.raises(InvalidFile, match=message):
        check(code, tmp_path)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (
            {"rules.py": "import rooms.names", "rooms.py": ""},
            r"rules\.py:1: import rooms\.names: rooms has no module names",
        ),
        (
            {"rules.py": "from rooms.tests import ann", "rooms/tests/__init__.py": "", "rooms/__init__.py": ""},
            r"rooms/tests/__init__\.py: your code imports this file, but tests are not deployed",
        ),
        ({"rules.py": "from . import rooms"}, r"rules\.py:1: from \. import rooms: the dots lead out of the package"),
        ({"rules.py": "import rooms", "rooms.py": "\n\ndef ("}, r"rooms\.py:3: SyntaxError: "),
        ({"rules.py": "import rooms", "rooms.py": "\0"}, r"rooms\.py: SyntaxError: .*null bytes"),
    ],
)
def test_what_cannot_be_imported_from_the_folder_is_refused_with_its_place(
    tmp_path: Path, files: dict[str, str], message: str
) -> None:
    files["rules.py"] += f"\n{HANDLING}"
    with pytest.raises(InvalidFile, match=message):
        found(tmp_path, files)


@pytest.mark.parametrize(
    ("handler", "problem"),
    [
        ("rulse.lambda_handler", r"rulse is not beside this file: expected rulse\.py or rulse/__init__\.py"),
        ("rules.users.lambda_handler", r"rules\.users is not beside this file: expected rules/users\.py or "),
        ("rules.lambda_handle", r"rules\.py defines no lambda_handle"),
        ("rules.later", r"rules\.py defines no later"),
        ("tests.rules.lambda_handler", r"tests/rules\.py is a test, and tests are not deployed: move or rename it"),
        ("jwt.encode", r"jwt is not beside this file"),
    ],
)
def test_a_handler_that_the_lambda_would_not_find_is_refused_with_its_line(
    tmp_path: Path, handler: str, problem: str
) -> None:
    files = {"rules.py": f"{HANDLING}\ndel_later = later\n", "tests/rules.py": HANDLING}
    with pytest.raises(InvalidFile, match=rf"authorizer\.toml:2: handler: {problem}"):
        found(tmp_path, files, handler)


@pytest.mark.parametrize(
    "definition",
    [
        "lambda_handler = make()",
        "if debug:\n    lambda_handler = 1",
        "from rooms import lambda_handler",
        "from rooms import *",
    ],
)
def test_a_handler_may_be_defined_in_any_way(tmp_path: Path, definition: str) -> None:
    assert found(tmp_path, {"rules.py": f"make = debug = int\n{definition}\n", "rooms.py": HANDLING}).files


def test_a_module_with_a_name_of_the_lambdas_own_is_refused(tmp_path: Path) -> None:
    code = found(tmp_path, {"rules.py": f"import jwt\n{HANDLING}", "jwt.py": ""})
    with pytest.raises(InvalidFile, match="jwt: the Lambda function has a module named jwt: rename yours"):
        check(code, tmp_path)


def test_a_module_with_a_name_of_pythons_own_is_refused(tmp_path: Path) -> None:
    code = found(tmp_path, {"rules.py": f"import calendar\n{HANDLING}", "calendar.py": ""})
    with pytest.raises(
        InvalidFile, match="calendar: Python itself has a module calendar, which Lambda may load instead"
    ):
        check(code, tmp_path)


def test_numbers_that_are_too_long_for_a_text_do_not_matter(tmp_path: Path) -> None:
    number = f"0x{'f' * 5_000}"
    assert found(tmp_path, {"rules.py": f"if {number}:\n    KEY = {number}\n{HANDLING}"}).files


def test_what_only_the_second_look_at_a_source_finds_is_refused_with_its_place(tmp_path: Path) -> None:
    with pytest.raises(InvalidFile, match=r"rules\.py:3: SyntaxError: no binding for nonlocal 'x' found"):
        found(tmp_path, {"rules.py": f"{HANDLING}def change():\n    nonlocal x\n"})


@pytest.mark.parametrize(
    "deep",
    [f"x = {'-' * 4_000}1\n", f"x = {'-' * 20_000}1\n", "if a: ...\n" + "elif b: ...\n" * 2_000],
    ids=["too deep for a tree", "too deep for Python", "a chain"],
)
def test_sources_that_are_nested_too_deeply_are_refused_with_the_file(tmp_path: Path, deep: str) -> None:
    with pytest.raises(InvalidFile, match=r"rules\.py: nested too deeply: split long expressions"):
        found(tmp_path, {"rules.py": f"{HANDLING}{deep}"})
