"""Authorizers of the account: their registry, their rules, and what they answer."""
