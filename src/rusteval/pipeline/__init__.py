"""Runs: from settings to finished result files, each stage resumable."""
