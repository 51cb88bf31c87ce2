"""Tests of what the benchmarks say about their figures."""
