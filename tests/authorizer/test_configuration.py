"""A wrong `authorizer.toml` is refused with its file, line and key, and what was expected."""

from pathlib import Path

import pytest

from iot_authorizer.configuration import load_configuration
from iot_authorizer.password_file import load_password_file
from iot_policies import InvalidFile

START = 'name = "chat"\npolicy = "policy.toml"\n'
JWT = '[[jwt]]\nissuer = "https://a.example/"\naudience = ["chat"]\nalgorithms = ["RS256"]\njwks = "keys.json"\n'
ANYBODY = '[anonymous]\nprincipal = "anybody"\n'
USERS = '[passwords]\nfile = "users.toml"\n'


def complaint(path: Path, text: str) -> str:
    """What is said of a file, without its folder."""
    path.write_text(text)
    with pytest.raises(InvalidFile) as refused:
        load_configuration(path, {})
    return str(refused.value).removeprefix(f"{path.parent}/")


def changed(old: str, new: str, text: str = START + JWT) -> str:
    assert old in text
    return text.replace(old, new)


HERE = "  # wrong here"
"""Stands on the line that the error must name."""

WRONG = {
    "unknown-key": (f"{START}nonsense = 1{HERE}\n{JWT}", "nonsense: is not a key"),
    "unknown-key-like-a-missing-one": (
        f'name = "chat"\npolcy = "policy.toml"{HERE}\n{JWT}',
        "polcy: is not a key of this table: did you mean policy?",
    ),
    "no-quotes": (f"name=chat{HERE}\n{START}{JWT}", "not valid TOML: Invalid value: write strings in quotes"),
    "unknown-table": (f"{START}{JWT}[nonsense]{HERE}\n", "nonsense: is not a key"),
    "name-empty": (f'name = ""{HERE}\npolicy = "p"\n{JWT}', "name: "),
    "name-space": (f'name = "a b"{HERE}\npolicy = "p"\n{JWT}', "name: "),
    "name-long": (f'name = "{"a" * 129}"{HERE}\npolicy = "p"\n{JWT}', "name: "),
    "name-number": (f'name = 5{HERE}\npolicy = "p"\n{JWT}', "name: "),
    "policy-empty": (f'name = "a"\npolicy = ""{HERE}\n{JWT}', "policy: "),
    "token-key-name": (f'{START}token_key_name = "a b"{HERE}\n{JWT}', "token_key_name: "),
    "prefix-that-nothing-reads": (
        f'{START}handler = "my.handler"\ntopic_prefix = "dev"{HERE}\n{JWT}',
        "topic_prefix: found dev, but a handler of your own does not read it: remove it here",
    ),
    "jwt-table": (f'{START}[jwt]{HERE}\nissuer = "i"\n', "jwt: "),
    "jwt-unknown-key": (f'{START}{JWT}audiences = ["a"]{HERE}\n', "jwt[0].audiences: is not a key"),
    "issuer-missing": (
        changed('[[jwt]]\nissuer = "https://a.example/"', f"[[jwt]]{HERE}"),
        "jwt[0].issuer: is missing",
    ),
    "issuer-empty": (changed('"https://a.example/"', f'""{HERE}'), "jwt[0].issuer: "),
    "audience-text": (changed('["chat"]', f'"chat"{HERE}'), "jwt[0].audience: "),
    "audience-number": (changed('["chat"]', f'["a", 5]{HERE}'), "jwt[0].audience[1]: "),
    "audience-empty-text": (changed('["chat"]', f'[""]{HERE}'), "jwt[0].audience[0]: "),
    "algorithms-missing": (
        changed('algorithms = ["RS256"]\n', "").replace("[[jwt]]", f"[[jwt]]{HERE}"),
        "jwt[0].algorithms: is missing",
    ),
    "algorithms-empty": (changed('["RS256"]', f"[]{HERE}"), "jwt[0].algorithms: "),
    "algorithm-none": (changed('["RS256"]', f'["none"]{HERE}'), "jwt[0].algorithms[0]: "),
    "algorithm-ed448": (changed('["RS256"]', f'["Ed448"]{HERE}'), "jwt[0].algorithms[0]: "),
    "ignored-header": (f'{START}{JWT}ignore_header = ["alg"]{HERE}\n', "jwt[0].ignore_header[0]: "),
    "algorithm-unknown": (changed('["RS256"]', f'["RS256", "HS512"]{HERE}'), "jwt[0].algorithms[1]: "),
    "leeway-unit": (f'{START}{JWT}leeway = "30"{HERE}\n', "jwt[0].leeway: expected a number and a unit"),
    "leeway-long": (f'{START}{JWT}leeway = "1h"{HERE}\n', "jwt[0].leeway: "),
    "leeway-true": (f"{START}{JWT}leeway = true{HERE}\n", "jwt[0].leeway: "),
    "leeway-fraction": (f"{START}{JWT}leeway = 1.5{HERE}\n", "jwt[0].leeway: "),
    "max-age-short": (f'{START}{JWT}max_age = "1s"{HERE}\n', "jwt[0].max_age: "),
    "second-issuer": (f"{START}{JWT}{JWT}".replace("a.ex", "b.ex", 1) + f"leeway = 301{HERE}\n", "jwt[1].leeway: "),
    "passwords-nowhere": (f"{START}[passwords]{HERE}\n", 'passwords: expected file = "…" or table = "NAME" above'),
    "guessing-without-table": (f"{START}{ANYBODY}[guessing]{HERE}\n", "guessing: expected [passwords] without file"),
    "guessing-of-a-file": (
        f'{START}table = "abc"\n{USERS}[guessing]{HERE}\n',
        "guessing: expected [passwords] without file",
    ),
    "revocation-without-table": (f"{START}{ANYBODY}[revocation]{HERE}\n", 'revocation: expected table = "NAME"'),
    "claims-without-table": (
        f"{START}{JWT}stored_claims = true{HERE}\n",
        'jwt[0].stored_claims: expected table = "NAME"',
    ),
    "signed-without-table": (
        f'{START}[signed_tokens]\nissuer = "i"\nstored_claims = true{HERE}\n',
        'signed_tokens.stored_claims: expected table = "NAME"',
    ),
    "table-name": (f'{START}table = "a b"{HERE}\n{ANYBODY}', "table: expected a DynamoDB table's name"),
    "cached-long": (f'{START}table = "abc"\n{ANYBODY}[revocation]\ncache_for = "6m"{HERE}\n', "revocation.cache_for: "),
    "unavailable": (
        f'{START}table = "abc"\n{ANYBODY}[revocation]\nwhen_unavailable = "ignore"{HERE}\n',
        "revocation.when_unavailable: ",
    ),
    "anonymous-principal": (f'{START}[anonymous]\nprincipal = ""{HERE}\n', "anonymous.principal: "),
    "anonymous-claims": (f'{START}[anonymous]\nprincipal = "a"\nclaims = 5{HERE}\n', "anonymous.claims: "),
    **{
        f"anonymous-claim-{value}": (
            f'{START}[anonymous]\nprincipal = "a"\nclaims = {{ a = [{value}] }}{HERE}\n',
            "anonymous.claims: expected texts, finite numbers, booleans",
        )
        for value in ("2026-11-29", "10:00:00", "inf", "nan")
    },
    "anonymous-name": (
        f'{START}[anonymous]\nprincipal = "a\u200b"{HERE}\n',
        "anonymous.principal: the name has an invisible or unassigned character (U+200B)",
    ),
    "signed-issuer": (f"{START}[signed_tokens]{HERE}\n", "signed_tokens.issuer: is missing"),
    "signed-algorithms": (
        f'{START}[signed_tokens]\nissuer = "i"\nalgorithms = ["RS256"]{HERE}\n',
        "signed_tokens.algorithms: is not a key",
    ),
    "signing-keys": (f"{START}{JWT}[signing]\npublic_keys = {{}}{HERE}\n", "signing.public_keys: "),
}


@pytest.mark.parametrize(("text", "expected"), WRONG.values(), ids=WRONG)
def test_a_wrong_value_is_refused_in_one_line_with_its_line_and_key(tmp_path: Path, text: str, expected: str) -> None:
    line = next(number for number, each in enumerate(text.splitlines(), 1) if each.endswith(HERE))
    found = complaint(tmp_path / "a.toml", text)
    assert found.startswith(f"a.toml:{line}: {expected}")
    assert "\n" not in found


HS256 = changed('algorithms = ["RS256"]\njwks = "keys.json"', 'algorithms = ["HS256"]\nsecret = "ssm:s"')
COMBINATIONS = {
    "no-audience": (changed('audience = ["chat"]\n', ""), "audience"),
    "audience-empty": (changed('["chat"]', "[]"), "audience"),
    "client-claim-without-clients": (changed('["chat"]', '["chat"]\nclient_claim = "azp"'), "client_claim: expected"),
    "hs256-beside-others": (changed('"RS256"', '"RS256", "HS256"'), "HS256 must be the only one"),
    "hs256-beside-others-with-secret": (changed('"HS256"', '"HS256", "ES256"', HS256), "HS256 must be the only one"),
    "hs256-with-jwks": (changed('"RS256"', '"HS256"'), "jwks"),
    "hs256-with-both": (changed('secret = "ssm:s"', 'secret = "ssm:s"\njwks = "keys.json"', HS256), "jwks"),
    "rs256-with-secret": (changed('jwks = "keys.json"', 'secret = "ssm:s"'), "jwks"),
    "no-keys": (changed('jwks = "keys.json"\n', ""), "jwks"),
    "secret-itself": (changed("ssm:s", "a secret as long as a SHA-256 is", HS256), "never the secret itself"),
    "secret-elsewhere": (changed("ssm:s", "vault:s", HS256), "secretsmanager:NAME"),
    "secret-without-name": (changed("ssm:s", "ssm", HS256), "secretsmanager:NAME"),
    "secret-with-empty-name": (changed("ssm:s", "ssm:", HS256), "secretsmanager:NAME"),
    "jwks-http": (changed("keys.json", "http://auth.example.com/keys"), "https://"),
    "jwks-http-upper-case": (changed("keys.json", "HTTP://auth.example.com/keys"), "https://"),
    "jwks-like-loopback": (changed("keys.json", "http://localhost.example.com/keys"), "https://"),
    "jwks-user-like-loopback": (changed("keys.json", "http://localhost@example.com/keys"), "https://"),
    "jwks-file-url": (changed("keys.json", "file:///etc/keys.json"), "https://"),
    "jwks-ftp": (changed("keys.json", "ftp://auth.example.com/keys"), "https://"),
    "jwks-without-host": (changed("keys.json", "https://"), "https://"),
    "jwks-with-a-port-too-high": (changed("keys.json", "https://a.example:99999/"), "https://"),
    "jwks-with-brackets": (changed("keys.json", "https://[a.example/"), "https:// URL with a host"),
    "jwks-with-a-space": (changed("keys.json", "https://a.example/my keys"), "in ASCII without spaces"),
    "jwks-with-umlauts": (changed("keys.json", "https://a.example/schlüssel"), "in ASCII without spaces"),
    "jwks-with-user": (changed("keys.json", "https://ann:s3cret@example.com/"), "remove the user name and password"),
    "jwks-of-a-discovery": (
        changed("keys.json", "https://auth.example.com/.well-known/openid-configuration"),
        "use the URL in its jwks_uri",
    ),
}


@pytest.mark.parametrize(("text", "expected"), COMBINATIONS.values(), ids=COMBINATIONS)
def test_values_that_do_not_go_together_are_refused_with_their_table(tmp_path: Path, text: str, expected: str) -> None:
    found = complaint(tmp_path / "a.toml", text)
    assert found.startswith("a.toml:3: jwt[0]: ")
    assert expected in found


def test_the_error_does_not_quote_a_secret_written_instead_of_its_name(tmp_path: Path) -> None:
    text, _ = COMBINATIONS["secret-itself"]
    assert "as long as" not in complaint(tmp_path / "a.toml", text)


@pytest.mark.parametrize(
    ("issuer", "expected"),
    [
        ("https://login.microsoftonline.com/{tenantid}/v2.0", "write one [[jwt]] for each"),
        ("https://login.microsoftonline.com/common/v2.0", "write one [[jwt]] for each"),
        ("https://login.microsoftonline.com/organizations/v2.0", "write one [[jwt]] for each"),
        ("https://login.microsoftonline.com/Common/v2.0", "write one [[jwt]] for each"),
        ("https://${DOMAIN}/", "found a placeholder"),
        ("https://<your-domain>/", "found a placeholder"),
        ("https://YOUR_DOMAIN/", "found a placeholder"),
        ("https://a.example/ ", "found a placeholder, a space or"),
        ("https://a.example/.well-known/openid-configuration", "remove /.well-known/openid-configuration"),
    ],
)
def test_an_issuer_that_no_token_can_have_is_refused_with_advice(tmp_path: Path, issuer: str, expected: str) -> None:
    found = complaint(tmp_path / "a.toml", changed("https://a.example/", issuer))
    assert found.startswith("a.toml:4: jwt[0].issuer: ")
    assert expected in found


RIGHT = {
    "audience-and-client": changed('["chat"]', '["chat"]\nclient_id = ["a"]'),
    "client-claim": changed('audience = ["chat"]', 'client_id = ["a"]\nclient_claim = "azp"'),
    "common-realm": changed("https://a.example/", "https://a.example/realms/common/"),
    "ed25519": changed('"RS256"', '"Ed25519"'),
    "jwt": START + JWT,
    "hs256": HS256,
    "cognito": changed('audience = ["chat"]', 'client_id = ["a"]'),
    "passwords": START + USERS,
    "signed-tokens": START + '[signed_tokens]\nissuer = "i"\n',
    "anonymous": START + '[anonymous]\nprincipal = "a"\n',
    "signing": START + JWT + '[signing.public_keys]\nfirst = "a.pem"\n',
    "https": changed("keys.json", "https://auth.example.com/keys"),
    "loopback": changed("keys.json", "http://127.0.0.1:8080/keys"),
    "localhost": changed("keys.json", "http://localhost/keys"),
    "loopback-v6": changed("keys.json", "http://[::1]:8080/keys"),
    "durations": START + JWT + 'leeway = "45s"\nmax_age = "1h"\nmax_stale = "7d"\n',
}


@pytest.mark.parametrize("text", RIGHT.values(), ids=RIGHT)
def test_a_right_file_is_read(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.toml"
    path.write_text(text)
    assert load_configuration(path, {}).name == "chat"


WHOLE = {
    "no-name": (f'policy = "p"\n{JWT}', ": name: is missing ("),
    "no-client": (START, ": no client could be allowed: expected [[jwt]]"),
    "second-issuer": (f"{START}{JWT}{JWT}", ":9: jwt[1].issuer"),
    "no-value": (f"{START}token_key_name =\n", ":3: not valid TOML: "),
    "twice": (f'{START}name = "other"\n', ":3: not valid TOML: "),
    "not-closed": ('name = "chat\npolicy = "p"\n', ":1: not valid TOML: "),
    "end": (f"{START}[[jwt]]\naudience = [", ":4: not valid TOML: "),
}


@pytest.mark.parametrize(("text", "expected"), WHOLE.values(), ids=WHOLE)
def test_a_file_that_is_wrong_as_a_whole_is_refused(tmp_path: Path, text: str, expected: str) -> None:
    found = complaint(tmp_path / "a.toml", text)
    assert found.startswith(f"a.toml{expected}")


@pytest.mark.parametrize(
    ("content", "message"), [(None, "file not found: correct its name"), (b"name = '\xff'", "expected UTF-8 text")]
)
def test_a_file_that_is_not_there_or_not_text_is_refused(tmp_path: Path, content: bytes | None, message: str) -> None:
    if content is not None:
        (tmp_path / "a.toml").write_bytes(content)
    with pytest.raises(InvalidFile, match=rf"a\.toml: {message}"):
        load_configuration(tmp_path / "a.toml", {})


def test_the_error_about_a_user_outside_of_users_names_the_right_table(tmp_path: Path) -> None:
    path = tmp_path / "users.toml"
    path.write_text('[pump-7]\nhash = "x"\n')
    with pytest.raises(InvalidFile, match=r"users\.toml:1: pump-7: expected \[users\.pump-7\]$"):
        load_password_file(path, str)


@pytest.mark.parametrize(
    ("user", "message"),
    [
        ('[users."jose\u0301"]', "the name is not composed"),
        ('[users." ann"]', "the name begins or ends with a space"),
    ],
)
def test_a_password_file_has_no_user_whose_name_the_authorizer_refuses(tmp_path: Path, user: str, message: str) -> None:
    path = tmp_path / "users.toml"
    path.write_text(f'{user}\nhash = "x"\n', "utf-8")
    with pytest.raises(InvalidFile, match=rf"users\.toml:1: .*{message}"):
        load_password_file(path, str)
