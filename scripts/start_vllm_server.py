#!/usr/bin/env python
"""Serve a model by vLLM; `rusteval serve` under the name that users know."""

from rusteval.command_line import new_app, run
from rusteval.serve_command import serve

app = new_app()
app.command()(serve)

if __name__ == "__main__":
    run(app)
