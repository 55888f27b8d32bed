"""A run for others: one archive that can be verified elsewhere, and logs that other viewers open."""
