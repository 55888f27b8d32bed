"""Many models from one file: inference, evaluation and comparison, each stage resumable."""
