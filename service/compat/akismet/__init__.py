"""The Akismet API, answered by our own model and policy: docs/akismet.md."""
