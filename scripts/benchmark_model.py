#!/usr/bin/env python
"""Benchmark the code that a checkpoint writes; `rusteval bench` under the name that users know."""

from rusteval.bench_command import bench
from rusteval.command_line import new_app, run

app = new_app()
app.command()(bench)

if __name__ == "__main__":
    run(app)
