"""A fault in the compiler is found, and the counterexample is a real one.

Each fault is a change of the compiler's source. The proofs run in a process of their own that has the changed compiler.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from iot_policies.connection import Connection
from iot_policies.evaluator import Evaluator
from tests import ROOT

pytestmark = pytest.mark.slow

SOURCES = ROOT / "policies/iot_policies"
FAULTS: dict[str, tuple[str, str, str]] = {
    # Each entry alone.
    "the last denial is dropped": ("globs.py", "return tuple(denied)", "return tuple(denied)[:-1]"),
    "the first denial is dropped": ("globs.py", "return tuple(denied)", "return tuple(denied)[1:]"),
    "a star is not doubled": ("globs.py", '(*glob[:index], "*", *glob[index:])', "glob"),
    "a star is tripled": ("globs.py", '*glob[:index], "*", *glob[index:]', '*glob[:index], "*", "*", *glob[index:]'),
    "the last star is doubled": ("globs.py", '(*glob[:index], "*", *glob[index:])', '(*glob, "*")'),
    "a subscription to # is not denied": ("globs.py", "if subscribe and levels", "if False and levels"),
    "a leading wildcard takes $": ("globs.py", "if levels[start] in", "if False and levels[start] in"),
    "the lead of a shared filter is its first level": ("globs.py", "start = lead(levels)", "start = 0"),
    "a # is one level": ("globs.py", "if HASH not in levels and not widen", "if not widen"),
    "a # denies nothing between": ("globs.py", "return all(wild[wild.index(True) :])", "return True"),
    "every grant is widened": ("template.py", "block.widen", "not block.widen"),
    "subscriptions receive with their share name": ("entries.py", "levels = levels[lead(levels) :]", "pass"),
    "subscribing also allows to publish": (
        "entries.py",
        '"subscribe": ("iot:Subscribe", "iot:Receive")',
        '"subscribe": ("iot:Subscribe", "iot:Receive", "iot:Publish")',
    ),
    "retain does not publish": (
        "entries.py",
        '"retain": ("iot:Publish", "iot:RetainPublish")',
        '"retain": ("iot:RetainPublish",)',
    ),
    "a deny of retain denies to publish": (
        "entries.py",
        '{**_ACTIONS, "retain": ("iot:RetainPublish",)}',
        "_ACTIONS",
    ),
    "a deny of subscribe does not deny to receive": (
        "entries.py",
        '{**_ACTIONS, "retain"',
        '{**_ACTIONS, "subscribe": ("iot:Subscribe",), "retain"',
    ),
    "placeholders of denials are swapped": (
        "entries.py",
        'as_format(f"{kind}/{joined(glob)}", names) for glob',
        'as_format(f"{kind}/{joined(glob)}", names[::-1]) for glob',
    ),
    "placeholders of levels are swapped": ("entries.py", "as_format(level, names)", "as_format(level, names[::-1])"),
    "a deny without client ID denies nothing": ("entries.py", 'effect == "Deny" else name', "False else name"),
    "a grant without client ID is for every client ID": (
        "entries.py",
        'name == "client_id" and effect == "Deny"',
        'name == "client_id"',
    ),
    # Pairs of entries.
    "only the first container is looked at": (
        "compiler.py",
        "for block, container in containers:",
        "for block, container in list(containers)[:1]:",
    ),
    "the last container is not looked at": (
        "compiler.py",
        "for block, container in containers:",
        "for block, container in list(containers)[:-1]:",
    ),
    "the condition of a container is ignored": (
        "compiler.py",
        "            if self._applies[block]:\n                fixed",
        "            if True:\n                fixed",
    ),
    "an entry is left out if anything contains another value": (
        "compiler.py",
        "if _texts(rule, fixed, each) not in covered]",
        "if not covered]",
    ),
    "only the first level of a container is compared": (
        "compiler.py",
        "_texts(rule, fixed, each)",
        "_texts(rule, fixed[:1], each)",
    ),
    "only the first value of a container counts": ("compiler.py", "for each in covering}", "for each in covering[:1]}"),
    "values of a list after the second are lost": (
        "compiler.py",
        "for combination in combinations for pattern",
        "for combination in combinations[:2] for pattern",
    ),
    "denials that cut are accepted": ("conflicts.py", "if not (per_principal and", "if False and (per_principal and"),
    "a container with a condition counts as always there": ("conflicts.py", "blocks[block].when is None", "True"),
    "the names of a container are ignored": ("conflicts.py", "names.issuperset(container.names)", "True"),
    "an entry contains what reaches it": ("conflicts.py", "and contains(outer, inner, could_be_equal)", ""),
    "texts are never equal": (
        "overlap.py",
        "    if level == other:\n        return True\n",
        "    return level == other\n",
    ),
    # Direct messages, and retained messages over HTTPS.
    "receiving also allows to subscribe": (
        "entries.py",
        '"receive": ("iot:Receive",)',
        '"receive": ("iot:Receive", "iot:Subscribe")',
    ),
    "reading also allows to receive": (
        "entries.py",
        '"read": ("iot:GetRetainedMessage",)',
        '"read": ("iot:GetRetainedMessage", "iot:Receive")',
    ),
    "a receiver gets the topics of all": (
        "direct_messages.py",
        "topics_of.setdefault(receiver, []).append(topic)",
        "topics_of.setdefault(receiver, next(iter(topics_of.values()), [])).append(topic)",
    ),
    "all receivers get the topics of one": (
        "direct_messages.py",
        "for topics, receivers in receivers_of.items()",
        "for topics, receivers in [(each, [*topics_of]) for each in receivers_of]",
    ),
    "only the first topic of a receiver counts": (
        "direct_messages.py",
        "for part in _parts(topics)",
        "for part in [[*topics][:1]]",
    ),
    "a message may have any topic": ("direct_messages.py", "{CONDITION_KEY: part}", '{CONDITION_KEY: ["*"]}'),
    "receivers never meet": (
        "overlap.py",
        "        return could_be_equal(one, other)\n    for mine",
        "        return False\n    for mine",
    ),
    "receivers with a star never meet": (
        "overlap.py",
        'if "*" in mine or "*" in its:\n            return True',
        'if "*" in mine or "*" in its:\n            return False',
    ),
    "receivers that are written differently are equal": (
        "conflicts.py",
        "if inner[0] == TO and outer[1] != inner[1] and",
        "if False and",
    ),
    # Conditions and claims.
    "every block applies": ("compiler.py", "block.when is None or not block.unmet(claims)", "True"),
    "a block without a condition does not apply": (
        "compiler.py",
        "block.when is None or not",
        "block.when is not None and not",
    ),
    "only the last condition counts": (
        "grants.py",
        "                found[name] = wanted",
        "                found = {name: wanted}\n            else:\n                found = {}",
    ),
    "grants compare loosely": ("grants.py", "= read_claim, meets", "= read_claim, covers"),
    "denies compare strictly": ("grants.py", "= read_denied_claim, covers", "= read_denied_claim, meets"),
    "denies read what is unclear": ("grants.py", "= read_denied_claim, covers", "= read_claim, covers"),
    "a boolean is a number": ("when.py", " and isinstance(element, bool) == isinstance(choice, bool)", ""),
    "only the first element of a claim counts": (
        "when.py",
        "value if isinstance(value, (list, tuple)) else (value,):\n        for choice",
        "value[:1] if isinstance(value, (list, tuple)) else (value,):\n        for choice",
    ),
    "only the first choice counts": ("when.py", "for choice in values:", "for choice in values[:1]:"),
    "a star is met by what is empty": ("when.py", 'each is not False and each != ""', "True"),
    "a deny needs the same case": ("when.py", "folded = text.strip().casefold()", "folded = text.strip()"),
    "a deny needs a number": ("when.py", " or _number(text) == wanted", ""),
    "a deny's star needs a value": (
        "when.py",
        'return wanted == "*" or any(',
        'return (wanted == "*" and bool(value)) or any(',
    ),
    "paths are not read": (
        "principal.py",
        "if isinstance(inner, Mapping):\n            yield from _found",
        "if False:\n            yield from _found",
    ),
    "two ways to a claim are accepted": ("principal.py", "if len(found) > 1", "if len(found) > 2"),
    "paths may lead through lists": ("principal.py", 'or ("." in name and _is_blocked(claims, name))', ""),
    "scopes are one text": ("principal.py", "if name not in WORD_LISTS:", "if True:"),
    "words of a list may be several": (
        "principal.py",
        "return _is_clear(value) and not several",
        "return _is_clear(value)",
    ),
    "names are not checked": ("principal.py", "if (problem := name_problem(found)) is not None", "if False"),
    "values are not checked": ("placeholders.py", "if not _are_levels(texts):", "if False:"),
    "a plus is a value": (
        "placeholders.py",
        '_UNSAFE = re.compile(f"[{UNSAFE_SIGNS}]")',
        '_UNSAFE = re.compile("[/#*?$]")',
    ),
    "a value may be empty": ("placeholders.py", "        all(values)\n        and", "        True\n        and"),
    "a value may be long": ("placeholders.py", "<= LONGEST_VALUE)", "<= 10 * LONGEST_VALUE)"),
    "a boolean is a value": (
        "placeholders.py",
        "isinstance(value, int) and not isinstance(value, bool)",
        "isinstance(value, int)",
    ),
    "only the first value of a list counts": (
        "placeholders.py",
        "return tuple(dict.fromkeys(texts))",
        "return tuple(texts[:1])",
    ),
    "placeholders of denies read what is unclear": (
        "compiler.py",
        "                read_denied_claim(claims, name)",
        "                pass",
    ),
    "the principal's name is not checked": (
        "compiler.py",
        '("principal", principal.name), ("client_id", client_id)',
        '("client_id", client_id), ("client_id", client_id)',
    ),
    "a missing value is every value": (
        "compiler.py",
        "found = self._filled[names] = self._values.combinations(names)",
        "found = self._filled[names] = self._values.combinations(names) * 1 or [('*',) * len(names)]",
    ),
    "a list with several values is one": (
        "placeholders.py",
        "return list(product(*values))",
        "return [tuple(each[0] for each in values)] if all(values) else []",
    ),
    "the values of two placeholders go in pairs": (
        "placeholders.py",
        "return list(product(*values))",
        "return list(zip(*values))",
    ),
    # Statements and documents.
    "grants have no condition": (
        "planning.py",
        "if attributes is None:",
        'if attributes is None or effect == "Allow":',
    ),
    "denies have no condition": ("planning.py", "if attributes is None:", 'if attributes is None or effect == "Deny":'),
    "a condition allows any of the attributes": (
        "planning.py",
        '"ForAllValues:StringEquals"',
        '"ForAnyValue:StringEquals"',
    ),
    "an empty connect_with allows a Will": (
        "planning.py",
        '["LastWill", "PersistentConnect"]}}',
        '["PersistentConnect"]}}',
    ),
    "a grant denies what it allows": (
        "planning.py",
        '"Deny", None, entry.block_index',
        '"Allow", None, entry.block_index',
    ),
    "equal resources keep their first actions": (
        "compiler.py",
        "in_order((*merged.get(key, ()), *heading.actions))",
        "merged.get(key, heading.actions)",
    ),
    "equal resources merge without their effect": (
        "compiler.py",
        "key = heading.effect, condition, resource",
        'key = "Allow", condition, resource',
    ),
    "an overfull document loses a statement": (
        "packing.py",
        "return [_document(page.resources.items()) for page in pages]",
        "return [_document(page.resources.items()) for page in pages[:1]]",
    ),
    "a full document is one too large": ("packing.py", "if size <= LONGEST_DOCUMENT else", "if True else"),
    "every policy is too large": ("packing.py", "    written: list", "    raise PolicyTooLarge(1)\n    written: list"),
    # Values at any place of a list, and lists of any length.
    "only the first value is checked": (
        "placeholders.py",
        '_UNSAFE.search("".join(values)) is None',
        "(not values or _UNSAFE.search([*values][0]) is None)",
    ),
    "a dollar is unsafe only in front": (
        "placeholders.py",
        '_UNSAFE.search("".join(values)) is None',
        'not any(v.startswith("$") or set(v) & set("/+#*?") for v in values)',
    ),
    "a hash is unsafe only as the whole value": (
        "placeholders.py",
        '_UNSAFE.search("".join(values)) is None',
        'not any(v == "#" or set(v) & set("/+*?$") for v in values)',
    ),
    "1.0 is a level": (
        "placeholders.py",
        "if isinstance(value, int) and not isinstance(value, bool)",
        "if (isinstance(value, int) or value == 1.0) and not isinstance(value, bool)",
    ),
    "at most four values count": (
        "placeholders.py",
        "return tuple(dict.fromkeys(texts))",
        "return tuple(dict.fromkeys(texts))[:4]",
    ),
    "at most eight combinations count": (
        "compiler.py",
        "for combination in combinations for pattern",
        "for combination in combinations[:8] for pattern",
    ),
    "only the first element is clear": (
        "principal.py",
        "for element in (value if isinstance(value, (list, tuple))",
        "for element in (value[:1] if isinstance(value, (list, tuple))",
    ),
    "a deny reads only the first element": (
        "when.py",
        "for element in (value if isinstance(value, (list, tuple))",
        "for element in (value[:1] if isinstance(value, (list, tuple))",
    ),
    "a grant reads only two elements": (
        "when.py",
        "for element in value if isinstance(value, (list, tuple))",
        "for element in value[:2] if isinstance(value, (list, tuple))",
    ),
    "a list of zero is not there": ("when.py", "            pending.extend(each)\n", "            return any(each)\n"),
    # Spellings, names and copies.
    "a deny compares small letters": ("when.py", "text.strip().casefold()", "text.strip().lower()"),
    "a number has only digits": (
        "when.py",
        "    for kind in (int, float):",
        "    for kind in () if text[:1] == '+' else (int, float):",
    ),
    "a name is not composed": (
        "names.py",
        """return None if is_normalized("NFC", text) else "is not composed (Unicode's NFC)\"""",
        "return None",
    ),
    "marks that draw nothing are in names": ("names.py", "character in _INVISIBLE or (", "("),
    "a name ends with a space": ("names.py", "if text != text.strip():", "if text != text.lstrip():"),
    "characters for private use are in names": (
        "names.py",
        'category(character)[0] in "CZ"',
        'category(character) in ("Cc", "Cf", "Zs", "Zl", "Zp")',
    ),
    "control characters are in names": (
        "names.py",
        'return None if text.isprintable() else "has a control character"',
        "return None",
    ),
    "elements of lists are no names": (
        "principal.py",
        "if isinstance(found, (list, tuple)) and not are_names(found):",
        "if False:",
    ),
    "a comma separates words": ("principal.py", 'found.split(" ") if word', 'found.replace(",", " ").split() if word'),
    "a comma separates values": (
        "placeholders.py",
        "() if found is None else (found,)",
        "() if found is None else tuple(found.split(',')) if isinstance(found, str) else (found,)",
    ),
    "values have small letters": (
        "placeholders.py",
        "return tuple(dict.fromkeys(texts))",
        "return tuple(dict.fromkeys(each.lower() for each in texts))",
    ),
    "percent escapes are read": (
        "placeholders.py",
        "return tuple(dict.fromkeys(texts))",
        "return tuple(dict.fromkeys(__import__('urllib.parse').parse.unquote(each) for each in texts))",
    ),
    "placeholders in values are filled": (
        "compiler.py",
        "pattern.format(*combination) for combination",
        "pattern.format(*combination).replace('{0}', combination[0] if combination else '') for combination",
    ),
    # Containers and client IDs.
    "levels are compared joined": (
        "compiler.py",
        "return tuple(rule.level_formats[index].format(*combination) for index in indexes)",
        "return ''.join(rule.level_formats[index].format(*combination) for index in indexes)",
    ),
    "levels are compared in small letters": (
        "compiler.py",
        "return tuple(rule.level_formats[index].format(*combination) for index in indexes)",
        "return tuple(rule.level_formats[index].format(*combination).lower() for index in indexes)",
    ),
    "levels are compared in any order": (
        "compiler.py",
        "return tuple(rule.level_formats[index].format(*combination) for index in indexes)",
        "return frozenset(rule.level_formats[index].format(*combination) for index in indexes)",
    ),
    "a deny for a missing client ID denies one level": (
        "placeholders.py",
        'self._of("client_id") or ("*",)',
        'self._of("client_id") or ("+",)',
    ),
    "a deny needs each attribute": (
        "planning.py",
        '"ForAnyValue:StringEquals"',
        '"ForAllValues:StringEquals"',
    ),
    # Packing.
    "a resource takes the place of another one": (
        "packing.py",
        "            here.append(resource)",
        "            here[-1:] = [resource]",
    ),
    "a third document is lost": (
        "packing.py",
        "return [_document(page.resources.items()) for page in pages]",
        "return [_document(page.resources.items()) for page in pages[:2]]",
    ),
    "a new document loses its first resource": (
        "packing.py",
        "or not pages[-1].take(heading, resource, size)",
        "and not pages[-1].take(heading, resource, size)",
    ),
    "what does not fit is cut off": (
        "packing.py",
        "raise PolicyTooLarge(sum(len(resources) for _, resources in statements))",
        "return [_document(page.resources.items()) for page in pages[:MOST_DOCUMENTS]]",
    ),
    # The topic prefix.
    "reserved topics have the prefix": (
        "topic_prefix.py",
        'if not prefix or levels[start].startswith("$"):',
        "if not prefix:",
    ),
    "shared filters have the prefix in front": (
        "topic_prefix.py",
        "return (*levels[:start], *prefix",
        "start = 0\n    return (*levels[:start], *prefix",
    ),
    "denies do not reach reserved topics": ("entries.py", "if topic_prefix and effect", "if False and effect"),
}
"""What is wrong, the file, the text there, and the text that replaces it."""


def compiler_with(fault: tuple[str, str, str], folder: Path) -> Path:
    """A copy of the package with a fault."""
    name, old, new = fault
    shutil.copytree(SOURCES, folder / "iot_policies", ignore=shutil.ignore_patterns("__pycache__"))
    path = folder / "iot_policies" / name
    source = path.read_text("utf-8")
    assert source.count(old) == 1, f"{name} has {source.count(old)} times: {old}"
    path.write_text(source.replace(old, new), "utf-8")
    return folder


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_found_with_a_principal_whose_policy_is_wrong(name: str, tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": f"{compiler_with(FAULTS[name], tmp_path)}{os.pathsep}{ROOT}"}
    command = [sys.executable, "-m", "tests.policies.proofs.faults"]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found is not None
    if found["kind"] in ("too much", "lost") and not found["alone"]:
        kind = {"iot:Connect": "client", "iot:Subscribe": "topicfilter"}.get(found["action"], "topic")
        asked = Connection(client_id=found["client_id"], connect_attributes=frozenset(found["attributes"]))
        evaluator = Evaluator(found["documents"], asked)
        arn = f"arn:aws:iot:us-east-1:123456789012:{kind}/{found['text']}"
        assert evaluator.allows(found["action"], arn) == (found["kind"] == "too much"), found["lines"]
