"""The subcommands of `steward`, one module each. Modules import heavy dependencies inside functions."""
