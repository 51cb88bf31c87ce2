"""What a user opens or types first after a deployment, with placeholders for credentials."""

from urllib.parse import quote

from iot_authorizer_cdk.package.configuration import CheckedConfiguration


def web_socket_url(endpoint: str, name: str, configuration: CheckedConfiguration) -> str:
    """Returns the URL that a browser opens: with `TOKEN` if clients send one, and `SIGNATURE` if it is signed."""
    key = configuration.token_key_name
    query = f"x-amz-customauthorizer-name={quote(name, safe='')}" + (f"&{key}=TOKEN" if key else "")
    if configuration.public_keys:
        query += "&x-amz-customauthorizer-signature=SIGNATURE"
    return f"wss://{endpoint}/mqtt?{query}"


def invoke_command(name: str, configuration: CheckedConfiguration) -> str:
    """Returns the command that invokes the authorizer as IoT Core does; its option `--token` needs a signature."""
    command = f"aws iot test-invoke-authorizer --authorizer-name {name}"
    if configuration.public_keys:
        return f"{command} --token TOKEN --token-signature SIGNATURE"
    if configuration.token_key_name is not None:
        return f"""{command} --http-context '{{"queryString": "?{configuration.token_key_name}=TOKEN"}}'"""
    return f"""{command} --mqtt-context '{{"username": "NAME", "password": "BASE64"}}'"""
