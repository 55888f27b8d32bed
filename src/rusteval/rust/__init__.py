"""Everything that looks at Rust text: syntax trees, extraction of answers, policy."""
