"""The page of `connect --for browser`: one HTML file that uses MQTT.js, without a build step and without a secret.

1. The page asks its function `fetchToken` for a token before each connection. On this machine, the endpoint makes it.
2. Each tab has a client ID of its own, if the template grants `{principal}/*` or another client ID with a free end.
3. MQTT.js is not part of the page. `dev` serves it beside the page, from the installed package: the wheel has it, so no
   network is needed. A page for AWS imports one version from a CDN, and the browser checks its hash (import map
   integrity): no copy of it has to be kept or deployed.
"""

import json
import re
from dataclasses import dataclass
from html import escape
from typing import Literal

from iot_authorizer_cli.snippets.settings import TOKEN_KEY, ClientEndpoint
from iot_authorizer_cli.snippets.templates import filled, literal
from iot_policies.principal import Claims

_GIVEN_BY = "Your identity provider's SDK gives it. With Amplify and Cognito:"
_AMPLIFY = "return (await fetchAuthSession()).tokens?.accessToken.toString();"
_SIGNED_BY = "Your backend gives the token and its signature, as { token, signature }:"

Means = Literal["token", "password", "anonymous"]
"""How the page signs in: with a token, with a user name and password that it asks for, or without credentials."""

PATH = "/web/"
"""The path at which `dev` serves the page."""
TAB = "0" * 40
"""The end of the client ID that the page replaces by a random number of the tab, which has at most 40 digits."""
MQTT_JS = "https://cdn.jsdelivr.net/npm/mqtt@5.16.0/dist/mqtt.esm.js"
"""The URL of the version of MQTT.js in `package.json`."""
INTEGRITY = "sha384-m/pd/4VFUnqe7gqk+Nunx4dI9FRuhIQf+1LGTVUUXvLx3+JBzSiAnp6qUHdwJoNi"
"""The hash of that file (Subresource Integrity)."""

_PROTOTYPE = re.compile(r'(?<=[{ ])"__proto__":')
"""A key of JSON. In a string of JSON, a backslash is before each quotation mark."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BrowserPage:
    """What one page connects to, as whom, and what it publishes and subscribes to.

    Raises ValueError for control characters, which MQTT does not allow.
    """

    endpoint: ClientEndpoint
    means: Means
    principal: str
    """The example principal: the user of the page on this machine, and the level of topics that is each user's name."""
    claims: Claims
    """The claims of the development token."""
    principal_claim: str
    """The claim of a token that names the principal."""
    authorizer: str | None
    """The authorizer's name; None for the default authorizer of the account."""
    token_key_name: str | None
    """The name of the token in the query string, if the authorizer has one."""
    signing: bool
    """Whether the token needs a signature."""
    client_id: str
    """Ends with `TAB` if each tab has its own."""
    topic: str
    topic_filter: str

    def __post_init__(self) -> None:
        texts = (self.principal, self.authorizer, self.token_key_name, self.client_id, self.topic, self.topic_filter)
        if not all(text is None or text.isprintable() for text in texts):
            raise ValueError("a name, a client ID or a topic contains a control character")

    def text(self) -> str:
        """The page."""
        with_token, at_aws = self.means == "token", self.endpoint.at_aws
        claim, key = self.principal_claim, self.token_key_name or TOKEN_KEY
        on = _marks(
            with_token=with_token,
            account=self.means == "password",
            anonymous=self.means == "anonymous",
            button=self.means != "password",
            dev=with_token and not at_aws,
            aws=with_token and at_aws,
            signed=with_token and self.signing,
            unsigned=with_token and not self.signing,
        )
        return filled(
            "browser.template",
            **on,
            where=escape(self._where()),
            import_map=_import_map(at_aws=at_aws),
            url=literal(self.endpoint.url("ws", "/mqtt"))
            if at_aws
            else '`${location.origin.replace("http", "ws")}/mqtt`',
            authorizer=f'"x-amz-customauthorizer-name": {_js(self.authorizer)}, ' if self.authorizer else "",
            principal=_js(self.principal),
            claims=_PROTOTYPE.sub(f"{_key('__proto__')}:", _inline(json.dumps(dict(self.claims), ensure_ascii=False))),
            claim=f".{claim}" if claim.isidentifier() else f"[{_js(claim)}]",
            claimless=_js(f"The token has no claim {claim}"),
            token="token" if key == "token" else f"{_key(key)}: token",
            giver=_SIGNED_BY if self.signing else _GIVEN_BY,
            example="return (await fetch(…)).json();" if self.signing else _AMPLIFY,
            returned="answer.json()" if self.signing else "(await answer.json()).token",
            client_id=self._of_user(self.client_id),
            topic=self._of_user(self.topic),
            topic_filter=self._of_user(self.topic_filter),
        )

    def _where(self) -> str:
        if self.endpoint.at_aws:
            write = "Write fetchToken, and serve" if self.means == "token" else "Serve"
            return f"{write} this page over HTTPS."
        host = "localhost" if self.endpoint.local else self.endpoint.host
        url = ClientEndpoint(host, self.endpoint.port, self.endpoint.tls).url("http", PATH)
        return f"Save this page as web/index.html beside authorizer.toml. While `dev` runs, open {url}"

    def _of_user(self, text: str) -> str:
        """A JavaScript string in which the levels that are the principal's name are the name of the page's user."""
        name = None if self.means == "anonymous" else self.principal
        free = text.removesuffix(TAB)
        has_tab = free not in (text, "")
        levels = (free[:-1] if has_tab else text).split("/")
        if not has_tab and name not in levels:
            return _js(text)
        named = "/".join("${user}" if level == name else _in_template(level) for level in levels)
        return f"`{named}{free[-1]}${{tab}}`" if has_tab else f"`{named}`"


def _marks(**on: bool) -> dict[str, str | None]:
    """The values of marks that keep a line or leave it out."""
    return {name: "" if kept else None for name, kept in on.items()}


def _import_map(*, at_aws: bool) -> str:
    if not at_aws:
        return '  { "imports": { "mqtt": "./mqtt.js" } }'
    return json.dumps({"imports": {"mqtt": MQTT_JS}, "integrity": {MQTT_JS: INTEGRITY}}, indent=2)


def _js(text: str) -> str:
    return _inline(json.dumps(text, ensure_ascii=False))


def _key(name: str) -> str:
    """A name in an object literal, where `__proto__` is no key unless it is computed."""
    if name == "__proto__":
        return f"[{_js(name)}]"
    return name if name.isidentifier() else _js(name)


def _in_template(text: str) -> str:
    """A part of a template literal."""
    return _inline(text.replace("\\", "\\\\").replace("`", "\\`").replace("${", "\\${"))


def _inline(script: str) -> str:
    """JavaScript without `<`, which could end the script element, and without characters that cannot be seen."""
    return "".join(_escaped(each) if each == "<" or not each.isprintable() else each for each in script)


def _escaped(character: str) -> str:
    return json.dumps(character)[1:-1] if character != "<" else "\\u003c"
