"""The Akismet API, served by our model and the site's policy (docs/akismet.md)."""
