#!/usr/bin/env python
"""Evaluate many models from one YAML file; `rusteval run` under the name that users know."""

from rusteval.command_line import new_app, run
from rusteval.run_command import run_evaluation

app = new_app()
app.command()(run_evaluation)

if __name__ == "__main__":
    run(app)
