"""Migration from Perspective's scores to ours: their agreement, and the equivalent thresholds."""
