#!/usr/bin/env python
"""Draw samples of a model into a file; `rusteval generate` under the name that users know."""

from rusteval.command_line import new_app, run
from rusteval.generate_command import generate

app = new_app()
app.command()(generate)

if __name__ == "__main__":
    run(app)
