"""Checks certificates of `prove`, without the code of the prover or of the compiler."""
