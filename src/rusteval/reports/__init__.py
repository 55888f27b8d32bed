"""From numbers to files that people open."""
