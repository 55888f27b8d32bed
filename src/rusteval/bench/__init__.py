"""The code-quality benchmark: what a checkpoint writes when it goes on with small pieces of Rust."""
