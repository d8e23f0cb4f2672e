"""Prometheus metrics of the relay."""

from prometheus_client import Counter, Gauge, Histogram

SENT = Counter(
    "steward_webhooks", "Attempts to deliver an event; the outcome is delivered, failed or gone.", ("outcome",)
)
DEAD = Counter("steward_webhooks_dead", "Events given up: they became dead letters.", ("because",))
OPENED = Counter("steward_webhook_breakers_opened", "Times that an endpoint was left alone for nothing but failures.")
SECONDS = Histogram(
    "steward_webhook_seconds",
    "Time of one attempt.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15),
)
PENDING = Gauge(
    "steward_webhooks_pending",
    "Comments with events to be told, of all sites, as of the last minute.",
    multiprocess_mode="mostrecent",
)
LETTERS = Gauge(
    "steward_webhooks_dead_letters",
    "Dead letters kept, of all sites, as of the last minute.",
    multiprocess_mode="mostrecent",
)
OVERDUE = Gauge(
    "steward_webhooks_overdue_seconds",
    "How late the oldest event is that should have been tried, as of the last minute.",
    multiprocess_mode="mostrecent",
)
