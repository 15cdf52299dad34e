"""Benchmarks: each a command that runs the product and its floor side by side and prints ratios."""
