"""Texts that stand in checks for values that only the deployment knows.

1. While an app synthesizes, such a value is a token of the CDK: `${Token[TOKEN.12]}` in a text. A URL with one cannot
   be parsed, for example.
2. Each token has a stand-in of its own, so that two issuers stay two. It is a valid host name and table name. When the
   Lambda starts, it replaces the stand-ins in its preparation (`late_values`).
3. CloudFormation writes the value of a token into JSON without a change. A user who may only set the parameter with a
   client ID could end the text with a `"` and add an issuer. So the template escapes the value first (`escaped`).
4. It cannot escape the value of a dynamic reference, which comes later: one in JSON is refused. The value of a
   parameter can be one, too. So the template escapes each `{`, and the reference stays a text.
   unmeasured: that CloudFormation resolves dynamic references in values of parameters (assumed).
5. Only keys whose value may be known late are replaced. In others, such as the authorizer's name, a token is refused:
   nothing would have checked its value. A text of a claim could become a list of all that it may be.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import get_origin

from aws_cdk import Fn, Stack

from iot_authorizer.late_values import STAND_IN
from iot_authorizer.token_settings import JwtIssuer, SignedTokens
from iot_authorizer_cdk.package.configuration import CREDENTIALS, ISSUERS, TABLE
from iot_authorizer_cdk.properties import InvalidSettings
from iot_policies.json_objects import unique_keys
from iot_policies.overriding import OVERRIDE

TOKEN = r"\$\{Token\[[^\]]*\]\}"  # noqa: S105 (not a password)
"""A token in a text, as a regular expression."""
_TOKEN = re.compile(TOKEN)
_KNOWN_LATE = re.compile(r"AUTHORIZER__(?P<table>JWT|SIGNED_TOKENS)(?P<index>__\d+)?(__(?P<key>.+))?")
"""The variables in whose values only the deployment may know a part, beside the table's."""
_CHECKED_LATE = {TABLE, *CREDENTIALS}
"""The variables that may be such a text as a whole. The Lambda checks its form (`preparation`)."""
_DYNAMIC = "{{resolve:"
"""The beginning of a dynamic reference (CloudFormation user guide, "Get values stored in other services")."""

_LISTS = {
    key
    for model in (JwtIssuer, SignedTokens)
    for key, field in model.model_fields.items()
    if get_origin(field.annotation) is tuple
}
"""The keys whose value is a list, so that their variables contain JSON."""


def escaped(stack: Stack, name: str, value: str) -> str:
    """Returns a variable; if it is JSON, the value of each token in it is escaped when it is deployed.

    Raises InvalidSettings for JSON with a dynamic reference.
    """
    if not value.lstrip().startswith(("[", "{")):
        return value
    if name.startswith(OVERRIDE) and _DYNAMIC in json.dumps(stack.resolve(value)):
        problem = f"found a dynamic reference, {_DYNAMIC}…}}}}, whose value could end its text and add an issuer"
        advice = "use a parameter of the stack, as of StringParameter.value_for_string_parameter"
        raise InvalidSettings(f"{name}: {problem}: {advice}")
    return _TOKEN.sub(lambda found: _escaped(found[0]), value)


def _escaped(token: str) -> str:
    for character, escape in (("\\", "\\\\"), ('"', '\\"'), ("{", r"\u007b")):
        token = Fn.join(escape, Fn.split(character, token))
    return token


class StandIns:
    """The stand-ins for the tokens of one construct."""

    def __init__(self) -> None:
        self._by_token: dict[str, str] = {}

    def of(self, text: str) -> str:
        """Replaces the tokens in a text."""
        return _TOKEN.sub(lambda found: self._of_token(found[0]), text)

    def of_table(self, table: Mapping[str, object]) -> dict[str, object]:
        """Replaces the tokens in a `[[jwt]]` table. A `jwks` that begins with one is a URL: no file has such a name."""
        found = {key: self._of_value(value) for key, value in table.items()}
        if _TOKEN.match(str(table.get("jwks", ""))):
            found["jwks"] = f"https://{found['jwks']}"
        return found

    def of_variables(self, variables: Mapping[str, str], issuers: Sequence[Mapping[str, object]]) -> dict[str, str]:
        """Replaces the tokens in the function's variables; a table with one as a whole, because it may be an ARN."""
        found = {name: self._of_variable(name, value) for name, value in variables.items() if name != ISSUERS}
        if _TOKEN.search(table := variables.get(TABLE, "")):
            found[TABLE] = self._of_token(table)
        if issuers:
            found[ISSUERS] = json.dumps([self.of_table(each) for each in issuers], ensure_ascii=False)
        elif ISSUERS in variables:
            found[ISSUERS] = self._of_variable(ISSUERS, variables[ISSUERS])
        return found

    def restored(self, text: str) -> str:
        """Puts the tokens back into a text."""
        for token, stand_in in self._by_token.items():
            text = text.replace(stand_in, token)
        return text

    def _of_variable(self, name: str, value: str) -> str:
        """Replaces the tokens in a variable. Raises InvalidSettings for JSON that is one token, and for other keys."""
        if not (_TOKEN.search(value) and name.startswith(OVERRIDE)) or name in _CHECKED_LATE:
            return value
        known_late = _KNOWN_LATE.fullmatch(name)
        if known_late is None:
            raise InvalidSettings(f"{name}: only the deployment knows its value: expected one that the app knows")
        key = (known_late["key"] or "").lower()
        if _TOKEN.fullmatch(value.strip()) and (not key or key in _LISTS):
            advice = "use issuers=[…] of the construct" if known_late["table"] == "JWT" else "set its single keys"
            problem = "found JSON that only the deployment knows, as of toJsonString"
            raise InvalidSettings(f"values: {name}: {problem}: write it with json.dumps, or {advice}")
        try:
            parsed = json.loads(value, object_pairs_hook=unique_keys)
        except (ValueError, RecursionError):  # A text, or a mistake, which the check of the configuration reports.
            return str(self.of_table({key: value})[key])
        return json.dumps(self._of_value(parsed))

    def _of_value(self, value: object) -> object:
        if isinstance(value, dict):
            return self.of_table(value)
        if isinstance(value, list):
            return [self._of_value(each) for each in value]
        return self.of(value) if isinstance(value, str) else value

    def _of_token(self, token: str) -> str:
        return self._by_token.setdefault(token, STAND_IN.format(len(self._by_token)))
