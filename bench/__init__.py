"""Benchmarks. Figures, never tests."""
