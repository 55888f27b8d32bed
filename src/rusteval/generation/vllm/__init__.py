"""The engines that draw with vLLM: in this process, or through a server of our own."""
