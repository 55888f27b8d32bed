"""One model served by vLLM in the foreground, for whoever asks: `rusteval serve`."""
