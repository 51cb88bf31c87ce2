"""The name under which this package is installed."""

DISTRIBUTION = "iot-authorizer"
"""The name in pyproject.toml.

No public index has a package of this name, so anybody could register it. No text may tell a reader to install it by
this name only: every installation names a wheel, a folder or an address. `pyproject.toml` has the repository's address.
"""
