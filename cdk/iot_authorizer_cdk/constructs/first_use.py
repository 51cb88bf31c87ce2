"""What a user opens or types first after a deployment, with placeholders for credentials."""

from urllib.parse import quote

from iot_authorizer_cdk.package.configuration import CheckedConfiguration


def web_socket_url(endpoint: str, name: str, configuration: CheckedConfiguration) -> str:
    """Returns the URL that a browser opens: with `TOKEN` if clients send one, and `SIGNATURE` if it is signed."""
    query = f"x-amz-customauthorizer-name={quote(name, safe='')}"
    if key := _token_key(configuration):
        query += f"&{key}=TOKEN"
    if configuration.public_keys:
        query += "&x-amz-customauthorizer-signature=SIGNATURE"
    return f"wss://{endpoint}/mqtt?{query}"


def invoke_command(name: str, configuration: CheckedConfiguration) -> str:
    """Returns the command that invokes the authorizer as IoT Core does; its option `--token` needs a signature."""
    command = f"aws iot test-invoke-authorizer --authorizer-name {name}"
    if configuration.public_keys:
        return f"{command} --token TOKEN --token-signature SIGNATURE"
    if key := _token_key(configuration):
        return f"""{command} --http-context '{{"queryString": "?{key}=TOKEN"}}'"""
    if not configuration.credentials:
        return f"""{command} --mqtt-context '{{"clientId": "CLIENT_ID"}}'"""
    return f"""{command} --mqtt-context '{{"username": "NAME", "password": "BASE64"}}'"""


def _token_key(configuration: CheckedConfiguration) -> str | None:
    """Returns the key of a client's token; None if it sends none. With signing, IoT Core always expects one."""
    sends_token = configuration.public_keys or "token" in configuration.credentials
    return configuration.token_key_name if sends_token else None
