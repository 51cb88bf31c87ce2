"""Proofs about templates, for every principal. The command line and `build` use them; the Lambda has none of this."""
