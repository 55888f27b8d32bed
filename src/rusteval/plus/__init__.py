"""Stronger tests: wrong programs, inputs that tell them from right ones, and the fewest assertions that do."""
