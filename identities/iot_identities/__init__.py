"""The table of identities: users with passwords, revocations and limits on guessing."""
