"""Engines for models behind an API: requests, retries, and what servers say."""
