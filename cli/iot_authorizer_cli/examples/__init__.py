"""Example principals, client IDs and topics that fit a template, for the page, `connect` and the greeting of `dev`."""
