"""What can be said about the quality of Rust text from its syntax tree: size, complexity, style, likeness, decay."""
