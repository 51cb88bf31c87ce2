"""A handler that is loaded and invoked in this process, as in Lambda."""

import os
import py_compile
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

import pytest

from iot_core.functions.lambda_function import (
    BrokenHandler,
    LambdaFunction,
    StillLoading,
    handler_file,
)
from iot_policies import InvalidFile


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, from which modules are loaded."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def load(folder: Path, text: str, **environment: str) -> LambdaFunction:
    (folder / "own.py").write_text(text)
    return LambdaFunction("own.lambda_handler", environment=environment)


def test_the_context_has_the_attributes_of_lambdas_context(folder: Path) -> None:
    function = load(
        folder,
        "def lambda_handler(event, context):\n"
        "    left = context.get_remaining_time_in_millis()\n"
        "    return {'arn': context.invoked_function_arn, 'name': context.function_name, 'left': 0 < left <= 5000,\n"
        "            'id': context.aws_request_id, 'version': context.function_version,\n"
        "            'memory': context.memory_limit_in_mb, 'log': [context.log_group_name, context.log_stream_name]}\n",
    )
    first, second = (function.invoke({}).answer for _ in range(2))
    assert first["arn"] == "arn:aws:lambda:us-east-1:123456789012:function:authorizer"
    assert (first["name"], first["left"]) == ("authorizer", True)
    assert first["id"] != second["id"]


def test_the_context_is_that_of_the_named_function_and_its_time_out(folder: Path) -> None:
    (folder / "own.py").write_text(
        "def lambda_handler(event, context):\n"
        "    return {'log': context.log_group_name, 'left': round(context.get_remaining_time_in_millis() / 1000)}\n"
    )
    arn = "arn:aws:lambda:us-east-1:123456789012:function:on-say"
    answer = LambdaFunction("own.lambda_handler", arn=arn, timeout=30).invoke({}).answer
    assert answer == {"log": "/aws/lambda/on-say", "left": 30}


def test_the_handler_gets_a_copy_of_the_event(folder: Path) -> None:
    text = "def lambda_handler(event, context):\n    event.pop('protocols').clear()\n    return {}\n"
    event = {"protocols": ["mqtt"]}
    load(folder, text).invoke(event)
    assert event == {"protocols": ["mqtt"]}


def test_each_function_has_a_module_of_its_own(folder: Path) -> None:
    text = "counts = []\ndef lambda_handler(event, context):\n    counts.append(1)\n    return {'count': sum(counts)}\n"
    one, other = load(folder, text), load(folder, text)
    assert [function.invoke({}).answer["count"] for function in (one, one, other)] == [1, 2, 1]


def test_a_handler_that_cannot_be_loaded_leaves_the_previous_module_in_its_place(folder: Path) -> None:
    load(folder, "def lambda_handler(event, context):\n    return {}\n")
    before = sys.modules["own"]
    with pytest.raises(BrokenHandler, match="own could not be loaded: ZeroDivisionError"):
        load(folder, "1 / 0\n")
    assert sys.modules["own"] is before


def test_the_error_of_a_handler_that_raises_names_the_place(folder: Path) -> None:
    function = load(folder, "def lambda_handler(event, context):\n    raise KeyError('sub')\n")
    with pytest.raises(BrokenHandler, match=r"KeyError: 'sub' at .*own\.py:2"):
        function.invoke({})
    with pytest.raises(BrokenHandler, match=r"SyntaxError: .* at .*own\.py:1"):
        load(folder, "def lambda_handler(")


def test_the_output_of_a_handler_does_not_reach_the_terminal(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    text = "print('loading')\ndef lambda_handler(event, context):\n    print('handling')\n    return {}\n"
    load(folder, text).invoke({})
    assert capfd.readouterr().out == ""


def test_a_handler_may_write_to_the_standard_output_that_it_found_while_it_loaded(folder: Path) -> None:
    text = (
        "import json, sys\n"
        "output = sys.stdout\n"
        "def lambda_handler(event, context):\n"
        "    output.write(json.dumps({'decision': 'refused', 'reason': 'late'}) + '\\n')\n"
        "    return {}\n"
    )
    function = load(folder, text)
    assert [function.invoke({}).decision["reason"] for _ in range(2)] == ["late", "late"]


def test_the_decision_is_the_first_json_object_that_has_one(folder: Path) -> None:
    text = (
        "def lambda_handler(event, context):\n"
        '    print(\'[1]\\n{\\n[[\\n{"a": 1}\\n{"decision": "allowed"}\\n{"decision": "refused"}\')\n'
        "    return {}\n"
    )
    assert load(folder, text).invoke({}).decision == {"decision": "allowed"}


@pytest.mark.parametrize("before", [None, "y"])
def test_a_handler_sees_its_environment_variables_only_while_it_loads(
    folder: Path, monkeypatch: pytest.MonkeyPatch, before: str | None
) -> None:
    if before is not None:
        monkeypatch.setenv("OWN", before)
    text = "import os\nnow = os.environ['OWN']\ndef lambda_handler(event, context):\n"
    function = load(folder, text + "    return {'then': now, 'now': os.environ.get('OWN')}\n", OWN="x")
    assert function.invoke({}).answer == {"then": "x", "now": before}


def test_a_wrong_configuration_is_an_error_of_its_own(folder: Path) -> None:
    text = "import pathlib, iot_policies\nraise iot_policies.InvalidFile(pathlib.Path('a.toml'), 1, 'name', 'is empty')"
    with pytest.raises(InvalidFile, match="name"):
        load(folder, text)


def test_a_handler_is_not_loaded_while_another_one_hangs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("iot_core.functions.lambda_function.LOADING_TIME", 0.02)
    (folder / "hanging.py").write_text("import sys\nsys.reached.set()\nsys.gate.wait()\nlambda_handler = print\n")
    reached, gate = threading.Event(), threading.Event()
    monkeypatch.setattr(sys, "reached", reached, raising=False)
    monkeypatch.setattr(sys, "gate", gate, raising=False)
    thread = threading.Thread(target=LambdaFunction, args=("hanging.lambda_handler",))
    thread.start()
    assert reached.wait(10)
    with pytest.raises(StillLoading):
        load(folder, "def lambda_handler(event, context):\n    return {}\n")
    gate.set()
    thread.join()


@pytest.mark.parametrize(
    ("handler", "message"),
    [
        ("own", "expected MODULE.NAME"),
        ("own.", "expected MODULE.NAME"),
        (".lambda_handler", "expected MODULE.NAME"),
        (
            "importing.lambda_handler",
            "importing could not be loaded: no module named nowhere: install its package into ",
        ),
        ("nowhere.lambda_handler", "no module named nowhere"),
        ("own.other", "own has no function other"),
        ("own.number", "own has no function number"),
    ],
)
def test_a_handler_that_does_not_exist_is_named(folder: Path, handler: str, message: str) -> None:
    (folder / "own.py").write_text("number = 1\n")
    (folder / "importing.py").write_text("import nowhere\n")
    with pytest.raises(BrokenHandler, match=f"{handler}: {message}"):
        LambdaFunction(handler)


def test_a_failed_load_leaves_the_modules_that_the_handler_imports_in_their_place(folder: Path) -> None:
    (folder / "names.py").write_text("NAME = 1\n")
    handler = "import names\ndef lambda_handler(event, context):\n    import names\n    return {'name': names.NAME}\n"
    function = load(folder, handler)
    (folder / "names.py").write_text("NAME = 2\n")
    with pytest.raises(BrokenHandler):
        load(folder, f"import names\n{handler}raise SystemExit\n")
    assert function.invoke({}).answer == {"name": 1}


@pytest.mark.parametrize("module", ["names", "pack.names", "pack.inner.names"])
def test_a_module_is_not_loaded_from_the_bytecode_of_an_earlier_save_in_the_same_second(
    folder: Path, module: str
) -> None:
    file = folder / f"{module.replace('.', '/')}.py"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("NAME = 1\n")
    py_compile.compile(str(file))
    before = file.stat().st_mtime_ns
    file.write_text("NAME = 2\n")
    os.utime(file, ns=(before, before))
    handler = f"from {module} import NAME\ndef lambda_handler(event, context):\n    return {{'name': NAME}}\n"
    assert load(folder, handler).invoke({}).answer == {"name": 2}


def write(folder: Path, files: Mapping[str, str]) -> None:
    """Writes files, by their names in a folder."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


ANSWERS = "\ndef lambda_handler(event, context):\n    return {'answer': answer()}\n"
"""The end of a module whose `answer` says what its handler answers."""
IN_PACKAGES: Mapping[str, tuple[str, str]] = {
    "its package imports": (
        "from .own import lambda_handler",
        "import pack\nanswer = lambda: pack.lambda_handler is lambda_handler",
    ),
    "is used by its full name": ("", "import pack\nanswer = lambda: pack.own.lambda_handler is lambda_handler"),
    "puts an object into its place": (
        "",
        "import sys, types\nown = types.SimpleNamespace(lambda_handler=lambda *_: {'answer': True})\n"
        "sys.modules[__name__] = own\nanswer = bool",
    ),
}
"""The `__init__.py` of a package, and its module with the handler."""


@pytest.mark.parametrize(("package", "text"), IN_PACKAGES.values(), ids=IN_PACKAGES)
def test_python_imports_a_handlers_module_that(folder: Path, package: str, text: str) -> None:
    write(folder, {"pack/__init__.py": package, "pack/own.py": text + ANSWERS})
    assert [LambdaFunction("pack.own.lambda_handler").invoke({}).answer for _ in range(2)] == [{"answer": True}] * 2


HELPERS: Mapping[str, tuple[str, str, str]] = {
    "is imported for an event": ("lately.py", "NAME = 0", "def answer():\n    import lately\n    return lately.NAME"),
    "is in a folder without __init__.py": (
        "space/names.py",
        "NAME = 0",
        "from space import names\nanswer = lambda: names.NAME",
    ),
    "puts an object into its place": (
        "other.py",
        "import sys, types\nsys.modules[__name__] = types.SimpleNamespace(NAME=0)",
        "import other\nanswer = lambda: other.NAME",
    ),
}
"""The file and the text of a module, and the text of a handler's module that imports it."""


@pytest.mark.parametrize(("file", "helper", "text"), HELPERS.values(), ids=HELPERS)
def test_a_load_replaces_a_module_that(folder: Path, file: str, helper: str, text: str) -> None:
    answers = []
    for number in ("1", "2"):
        write(folder, {file: helper.replace("0", number), "own.py": text + ANSWERS})
        answers.append(LambdaFunction("own.lambda_handler").invoke({}).answer["answer"])
    assert answers == [1, 2]


@pytest.mark.parametrize("module", ["installed", "partly.installed"])
def test_a_load_keeps_what_is_installed_beside_a_folder_of_the_same_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str
) -> None:
    write(tmp_path, {f"installed/{module.replace('.', '/')}.py": "", f"project/{module.partition('.')[0]}/data.py": ""})
    text = f"import sys, {module}\nanswer = lambda: id(sys.modules['{module}'])"
    write(tmp_path, {"project/own.py": text + ANSWERS})
    monkeypatch.syspath_prepend(str(tmp_path / "installed"))
    folder = tmp_path / "project"
    one, other = (LambdaFunction("own.lambda_handler", folder=folder).invoke({}).answer for _ in range(2))
    assert one == other


def test_the_file_of_a_module_that_is_no_python_is_named(folder: Path) -> None:
    (folder / "names.py").write_text("NAME = 1\n", "utf-16")
    with pytest.raises(BrokenHandler, match=r"SyntaxError: .*names\.py"):
        load(folder, "import names\n")


@pytest.mark.parametrize("name", ["secrets", "email.own", "__main__"])
def test_a_handlers_module_has_no_name_of_pythons_own(folder: Path, name: str) -> None:
    own = sys.modules.get(name)
    write(folder, {f"{name.replace('.', '/')}.py": "lambda_handler = print\n"})
    with pytest.raises(
        BrokenHandler, match=r"Python itself has a module \w+, which Lambda may load instead: rename yours"
    ):
        LambdaFunction(f"{name}.lambda_handler")
    assert sys.modules.get(name) is own


def test_a_handler_finds_no_modules_of_another_handlers_folder(tmp_path: Path) -> None:
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
    (tmp_path / "one/names.py").write_text("")
    (tmp_path / "one/first.py").write_text("import names\nlambda_handler = print\n")
    (tmp_path / "other/second.py").write_text("import names\nlambda_handler = print\n")
    LambdaFunction("first.lambda_handler", folder=tmp_path / "one")
    with pytest.raises(BrokenHandler, match="no module named names"):
        LambdaFunction("second.lambda_handler", folder=tmp_path / "other")


def test_the_file_of_a_handler_is_found_without_importing_its_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "exits").mkdir()
    (tmp_path / "exits" / "__init__.py").write_text("raise SystemExit")
    (tmp_path / "exits" / "own.py").write_text("")
    (tmp_path / "src" / "inner").mkdir(parents=True)
    (tmp_path / "src" / "inner" / "own.py").write_text("")
    found = [
        handler_file(f"{name}.handle", Path.cwd())
        for name in ("exits.own", "exits", "src.inner.own", "src.inner", "exits.other", "other.own", "exits.own.x")
    ]
    files = ["exits/own.py", "exits/__init__.py", "src/inner/own.py"]
    assert found == [*(tmp_path / file for file in files), None, None, None, None]


CANCELLED = "(_ for _ in ()).throw(__import__('asyncio').CancelledError())"
"""An expression that raises an exception which is no Exception."""


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ("[]", "answered with list: expected a dict"),
        ("{'a': b''}", "answer is not JSON"),
        ("exit()", "SystemExit"),
        (CANCELLED, "CancelledError"),
    ],
)
def test_a_handler_that_does_not_answer_with_a_json_object_is_broken(folder: Path, answer: str, message: str) -> None:
    function = load(folder, f"def lambda_handler(event, context):\n    return {answer}\n")
    with pytest.raises(BrokenHandler, match=message):
        function.invoke({})
