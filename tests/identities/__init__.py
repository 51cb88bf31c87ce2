"""Identities and the table that they live in."""
