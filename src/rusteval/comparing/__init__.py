"""Comparing results that are there already: runs and files of verdicts, or bench documents."""
