"""Decides who runs where (the plan, pure) and carries it out: machines, the runner and the engines."""
