"""From Perspective's scores to ours: how the two agree, and what does here what a threshold did there."""
