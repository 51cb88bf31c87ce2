"""Principals, client IDs and topics to try that fit a template, whichever it is."""
