"""Problem sets: loading by exact version, repairing defects, selecting tasks."""
