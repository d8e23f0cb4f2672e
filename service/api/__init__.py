"""The native HTTP API: parse, call, render. No decisions."""
