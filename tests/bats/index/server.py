"""A package index and file server for tests, which fails as it is told to.

Usage: server.py FOLDER. Serves at a free port of 127.0.0.1, and writes that into FOLDER/port.

/NAME/PROJECT/ lists the wheels of a project in FOLDER/NAME, as package indexes do; any other path is a file of FOLDER.
FOLDER/faults has lines "PATTERN FAULT...": the n-th GET of a path in which PATTERN is found gets the n-th fault; the
last one stays if it ends with *. Faults: ok, a status such as 503 (429:1 asks for a pause of 1 s), wrong (other
bytes), short (cut off in the middle), stall (nothing more comes). With FOLDER/login ("user:password"), nobody else is
served. FOLDER/requests has a line for every request: method, path, what was done.
"""

import base64
import hashlib
import re
import sys
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ROOT = Path(sys.argv[1])
ASKED = Counter()


def text_of(name: str) -> str:
    path = ROOT / name
    return path.read_text() if path.exists() else ""


def fault_for(path: str) -> str:
    for line in text_of("faults").splitlines():
        pattern, *faults = line.split()
        if re.search(pattern, path):
            ASKED[line] += 1
            if ASKED[line] <= len(faults):
                return faults[ASKED[line] - 1].rstrip("*")
            return faults[-1].rstrip("*") if faults[-1].endswith("*") else "ok"
    return "ok"


def page(folder: Path, project: str) -> bytes | None:
    links = []
    for wheel in sorted(folder.glob("*.whl")):
        if re.sub(r"[-_.]+", "-", wheel.name.split("-")[0]).lower() == project:
            digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
            address = str(wheel.relative_to(ROOT)).replace("+", "%2B")
            links.append(f'<a href="/{address}#sha256={digest}">{wheel.name}</a><br>')
    return f"<!DOCTYPE html><html><body>{''.join(links)}</body></html>".encode() if links else None


def content(path: str) -> bytes | None:
    parts = path.strip("/").split("/")
    if path.endswith("/") and len(parts) > 1:
        return page(ROOT / "/".join(parts[:-1]), parts[-1])
    file = ROOT / path.strip("/")
    if file.is_dir():
        return b"<!DOCTYPE html><html><body></body></html>"
    return file.read_bytes() if file.is_file() else None


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        path = self.path.replace("%2B", "+").replace("%2b", "+")
        login, fault = text_of("login").strip(), fault_for(path) if self.command == "GET" else "ok"
        given = self.headers.get("Authorization", "")
        if login and given != "Basic " + base64.b64encode(login.encode()).decode():
            fault = "401"
        with (ROOT / "requests").open("a") as log:
            log.write(f"{self.command} {path} {fault}\n")
        body = content(path)
        if fault[0].isdigit() or body is None:
            status, _, pause = fault.partition(":") if fault[0].isdigit() else ("404", "", "")
            self.answer(int(status), b"", {"Retry-After": pause} if pause else {})
        else:
            self.serve(body, fault)

    def do_HEAD(self) -> None:
        self.do_GET()

    def serve(self, body: bytes, fault: str) -> None:
        if fault == "wrong":
            body = bytes(len(body))
        sent = body[: len(body) // 2] if fault in ("short", "stall") else body
        self.answer(200, sent, {"Content-Length": str(len(body)), "Content-Type": "text/html"})
        if fault == "stall" and self.command == "GET":
            time.sleep(60)

    def answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        if status == 401:
            self.send_header("WWW-Authenticate", 'Basic realm="tests"')
        for name, value in ({"Content-Length": str(len(body))} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)
            self.wfile.flush()

    def log_message(self, *_: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Whoever asked went away."""


server = Server(("127.0.0.1", 0), Handler)
part = ROOT / "port.part"
part.write_text(f"{server.server_port}\n")
part.replace(ROOT / "port")
server.serve_forever()
