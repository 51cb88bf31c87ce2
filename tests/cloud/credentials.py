"""Credentials of clients, as TestInvokeAuthorizer takes them."""

from tests.cloud.project import USER


def query(token: str) -> dict[str, str]:
    """Returns an HTTP context with a token in the query string."""
    return {"queryString": f"?token={token}"}


def login(password: str) -> dict[str, str]:
    """Returns an MQTT context."""
    return {"clientId": USER, "username": USER, "password": password}
