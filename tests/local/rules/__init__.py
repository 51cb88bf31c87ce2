"""Tests of topic rules."""
