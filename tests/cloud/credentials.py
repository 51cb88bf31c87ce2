"""Credentials of clients, as the AWS CLI takes them."""

from tests.cloud.project import USER


def query(token: str) -> dict[str, str]:
    """Returns an HTTP context with a token in the query string."""
    return {"queryString": f"?token={token}"}


def login(password: str) -> dict[str, str]:
    """Returns an MQTT context. Version 1 of the AWS CLI encodes the password itself; version 2 expects base64."""
    return {"clientId": USER, "username": USER, "password": password}
