"""The subcommands of `steward`, one module each; cheap to import, heavy work inside the functions."""
