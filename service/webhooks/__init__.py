"""Webhooks: the outbox relay and the messages that it sends to sites (docs/webhooks.md)."""
