"""The console: a page with two MQTT clients, the feed of decisions, and the policy behind each decision.

Its panels are in `static/`: `client_panel.js`, `decisions_panel.js` and `policy_panel.js`.
"""
