"""The page and the documentation mean the same by a reason code."""

import json
import re

from tests import ROOT

ROW = re.compile(r"^\| `(\w+)` \| (.+) \| (.+) \|$", re.MULTILINE)
LINE = re.compile(r"^  (\w+): (\[.*\]),$", re.MULTILINE)


def test_each_reason_of_the_documentation_stands_on_the_page_in_the_same_words() -> None:
    table = (ROOT / "docs/reference/log-and-reason-codes.md").read_text().partition("## Reason codes")[2]
    documented = {code: [cause.replace("`", ""), cure.replace("`", "")] for code, cause, cure in ROW.findall(table)}
    shown = {
        code: json.loads(text)
        for code, text in LINE.findall((ROOT / "cli/iot_authorizer_cli/console/static/reasons.js").read_text())
    }
    assert documented
    assert {code: shown.get(code) for code in documented} == documented
