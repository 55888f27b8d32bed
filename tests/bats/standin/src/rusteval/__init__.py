"""Stands in for the library in tests of the harness."""
