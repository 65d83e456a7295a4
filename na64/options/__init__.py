"""Command lines: one module per family of commands, which turns options into a call."""
