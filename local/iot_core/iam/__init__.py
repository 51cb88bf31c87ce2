"""Identities of IAM: access keys, and requests that are signed with them (Signature Version 4)."""
