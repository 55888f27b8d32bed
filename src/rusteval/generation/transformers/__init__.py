"""The engine that draws with transformers, in this process."""
