"""Principals with passwords, revocations and limits on guessing, and the table they live in."""
