"""Figures of this installation for those who collect them elsewhere."""
