"""Tests, over real servers wherever a real one can be had."""
