"""Data stores and their drivers, files, aliases and the input cache."""
