"""From problems to samples: prompts, engines, the sample store."""
