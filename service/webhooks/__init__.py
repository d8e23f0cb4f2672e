"""Decisions out to the sites: the outbox relay, and what it sends (docs/webhooks.md)."""
