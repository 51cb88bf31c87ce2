"""What clients bring, as the AWS CLI takes it."""

from tests.cloud.project import USER


def query(token: str) -> dict[str, str]:
    """A token in the query string."""
    return {"queryString": f"?token={token}"}


def login(password: str) -> dict[str, str]:
    """A user name and a password, which version 1 of the AWS CLI encodes itself; version 2 takes base64."""
    return {"clientId": USER, "username": USER, "password": password}
