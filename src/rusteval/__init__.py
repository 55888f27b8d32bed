"""True verdicts for Rust code models."""

__version__ = "0.1.0"
