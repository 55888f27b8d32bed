"""From samples to verdicts: assembling, compiling and running Rust in a sandbox."""
