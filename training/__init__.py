"""Data in, a model folder and its report out. Run by a person, a schedule or CI, never inside a request."""
