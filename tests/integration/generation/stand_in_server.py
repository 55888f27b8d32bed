"""Stands in for Python with vLLM in it, where the real one would add nothing: what `VllmServer` starts, in a second.

Called as an interpreter, it answers `-c` with a version and `-m` by serving. The last part of
the model's name says how it behaves:
`good`, `stubborn` (with a child that ignores signals), `deaf` (ignores them
itself), `broken` (ends with a message), `slow` (is never well),
`refusing` (answers nothing), `flaky` (breaks off the first streams after one answer, then fails, then is good),
`down` (dies in the middle of its first stream, always), `mortal` (dies in the middle of its third), `strict` (refuses what is asked).

An answer of seed s is made of the tokens that `answer_tokens` returns.
"""

import itertools
import json
import os
import signal
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

_BREAKS, _FAILURES, _LAST = 2, 1, 3


def answer_tokens(seed: int, limit: int) -> list[int]:
    """Return the tokens of the answer to a seed: ordinary ones, which never end an answer."""
    return [100 + (seed * 31 + position * 7) % 100 for position in range(limit)]


def stand_in_python(folder: Path) -> Path:
    """Write a program that starts this file as an interpreter would be started."""
    path = folder / "python"
    path.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{Path(__file__).resolve()}" "$@"\n')
    path.chmod(0o755)
    return path


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    model = ""
    name = "base"
    streams = 0

    def log_message(self, *_arguments):
        """Write nothing: the log is the test's subject."""

    def do_GET(self):
        self._answer(
            503 if self.model == "slow" else 200, {"data": [{"id": self.name, "max_model_len": 512}]}
        )

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        key = os.environ.get("VLLM_API_KEY")
        if key is not None and self.headers["authorization"] != f"Bearer {key}":
            self._answer(401, {"error": "Unauthorized"})
        elif self.model == "refusing":
            self._answer(500, {"error": {"message": "no answer today"}})
        elif not body.get("stream"):
            self._answer(200, {"choices": [{"index": 0, "text": "a", "finish_reason": "length"}]})
        else:
            self._stream(body)

    def _stream(self, body):
        type(self).streams += 1
        number = self.streams
        if self.model == "strict":
            self._answer(400, {"error": {"message": "not like this"}})
            return
        if self.model == "flaky" and _BREAKS < number <= _BREAKS + _FAILURES:
            self._answer(500, {"error": {"message": "bad luck"}})
            return
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")
        self.end_headers()
        for index in range(body["n"]):
            tokens = answer_tokens(body["seed"] + index, body["max_tokens"])
            if index == 1 and self.model == "flaky" and number <= _BREAKS:
                self._event(index, tokens[:3], None)
                if number > 1:  # a stream may break off with a word or without
                    self._write({"error": {"message": "the engine has a problem"}})
                break
            self._event(index, tokens[:5], None)
            if self.model == "down" or (self.model == "mortal" and number == _LAST):
                os.kill(os.getpid(), signal.SIGKILL)
            self._event(index, tokens[5:], "length")
        self.wfile.write(b"data: [DONE]\n\n")
        self.close_connection = True

    def _event(self, index, tokens, reason):
        self._write({"choices": [{"index": index, "text": "", "token_ids": tokens, "finish_reason": reason}]})

    def _write(self, event):
        self.wfile.write(f"data: {json.dumps(event)}\n\n".encode())
        self.wfile.flush()

    def _answer(self, status, value):
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def main(arguments):
    if "-c" in arguments:
        sys.stdout.write('"0.0.0"\n')
        return
    options = dict(itertools.pairwise(arguments))
    _Handler.model, _Handler.name = Path(options["--model"]).name, options["--served-model-name"]
    if _Handler.model == "broken":
        sys.stderr.write("ValueError: there is something wrong with it\nat the end of the log\n")
        sys.exit(3)
    if _Handler.model == "deaf":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if _Handler.model == "stubborn":
        subprocess.Popen(["sh", "-c", "trap '' TERM INT HUP; while :; do sleep 1; done"])
    ThreadingHTTPServer((options["--host"], int(options["--port"])), _Handler).serve_forever()


if __name__ == "__main__":
    main(sys.argv[1:])
