"""The console page: two clients, the feed of decisions, and the policy that decided."""
