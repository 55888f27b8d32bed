"""Whether a problem set can be trusted: solvable in every form of answer, steady, self-contained, hard to fool."""
