"""Ready-to-run programs for real clients, in which every value is quoted and encoded as it must be.

A program subscribes, publishes one message, prints what arrives, and ends: with 0, or with what went wrong. If the
message does not come back to the client, the program ends when the message is acknowledged.
"""
