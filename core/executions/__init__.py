"""Executions: create, list, stop, copy; their logs and metadata."""
