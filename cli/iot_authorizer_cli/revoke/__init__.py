"""Locking somebody out: a revocation in the table of identities, and the end of the connections that live."""
