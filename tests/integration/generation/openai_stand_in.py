"""A server on loopback that speaks OpenAI's protocol as far as the tests need it, and misbehaves on demand."""

import json
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

End = Literal["whole", "reset in the middle", "closed in the middle", "in drops", "never"]
_SHUT_DOWN_WITHIN_S = 600


@dataclass(frozen=True)
class Call:
    """One request as it arrived: how many came before it, and how many of them asked the same thing."""

    number: int
    earlier: int
    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    began: float

    @property
    def prompt(self) -> str:
        messages = self.body.get("messages")
        return messages[-1]["content"] if messages else self.body["prompt"]


@dataclass(frozen=True)
class Reply:
    """What is answered: `body` is sent as it is where it is text, as JSON else."""

    body: Any
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    end: End = "whole"

    @property
    def content(self) -> bytes:
        return (self.body if isinstance(self.body, str) else json.dumps(self.body)).encode()


Script = Callable[[Call], Reply]


def chat(text: str | None, *, finish_reason: str | None = "stop", **message: Any) -> dict[str, Any]:
    """Return the body of an answer to `chat/completions`."""
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": text, **message},
        "finish_reason": finish_reason,
    }
    return {
        "id": "1",
        "object": "chat.completion",
        "created": 1,
        "model": "stand-in-2025-01-01",
        "system_fingerprint": "fp_1",
        "choices": [choice],
        "usage": {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18},
    }


def completion(text: str, *, finish_reason: str | None = "stop") -> dict[str, Any]:
    """Return the body of an answer to `completions`."""
    whole = chat(None)
    return {**whole, "choices": [{"index": 0, "text": text, "finish_reason": finish_reason}]}


def error(status: int, message: str, **details: Any) -> Reply:
    """Return an error in the protocol's shape."""
    headers = details.pop("headers", {})
    return Reply({"error": {"message": message, **details}}, status=status, headers=headers)


class StandIn(ThreadingHTTPServer):
    """The server: it keeps each call, and counts how many it held at a time."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, script: Script) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.script = script
        self.calls: list[Call] = []
        self._asked: Counter[str] = Counter()
        self.under_way = 0
        self.most_under_way = 0
        self.changed = threading.Condition()
        self.stopping = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    def begin(self, path: str, headers: dict[str, str], body: dict[str, Any]) -> Call:
        with self.changed:
            asked = json.dumps(body, sort_keys=True)
            self._asked[asked] += 1
            call = Call(len(self.calls), self._asked[asked] - 1, path, headers, body, time.monotonic())
            self.calls.append(call)
            self.under_way += 1
            self.most_under_way = max(self.most_under_way, self.under_way)
            self.changed.notify_all()
            return call

    def end(self) -> None:
        with self.changed:
            self.under_way -= 1
            self.changed.notify_all()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that went away."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: StandIn

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        headers = {name.lower(): value for name, value in self.headers.items()}
        call = self.server.begin(self.path, headers, body)
        try:
            reply = self.server.script(call)
        finally:
            self.server.end()  # before the answer: the client may send its next request as soon as it has it
        self._send(reply)

    def _send(self, reply: Reply) -> None:
        if reply.end == "never":
            self.server.stopping.wait(_SHUT_DOWN_WITHIN_S)
            self.close_connection = True
            return
        self.send_response(reply.status)
        for name, value in {"Content-Type": "application/json", **reply.headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply.content)))
        self.end_headers()
        if reply.end == "whole":
            self.wfile.write(reply.content)
            return
        if reply.end == "in drops":
            for number in range(len(reply.content)):
                self.wfile.write(reply.content[number : number + 1])
                if self.server.stopping.wait(0.1):
                    break
            return
        self.wfile.write(reply.content[: len(reply.content) // 2])
        if reply.end == "closed in the middle":
            self.close_connection = True
            return
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True

    def log_message(self, *_: Any) -> None:
        """Say nothing of each request."""


@contextmanager
def stand_in(script: Script) -> Iterator[StandIn]:
    """Run a server while the context lasts."""
    with StandIn(script) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            server.stopping.set()
            server.shutdown()
            thread.join()
