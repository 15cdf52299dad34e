"""Environments: where executions run, within which limits, how they stood, and what other limits would do."""
