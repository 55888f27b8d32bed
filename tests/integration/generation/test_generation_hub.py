"""Models of the hub, against a server on loopback that answers as the hub does."""

import contextlib
import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from generating import PROBLEMS, run_python

from rusteval.generation.demo_recipe import demo_answer

COMMIT = "0123456789abcdef0123456789abcdef01234567"
TOKEN = "hf_" + "a" * 34

RESOLVE = """
import sys
from rusteval.errors import InputError
from rusteval.generation.checkpoints import resolve_model, describe_model
try:
    source = resolve_model(sys.argv[1])
except InputError as error:
    print(error)
    sys.exit(error.exit_code)
print(source.repo, source.revision, source.subfolder or "-", source.is_adapter, sorted(describe_model(source)["files"]))
"""

GENERATE = """
import sys
from rusteval.generation.adapter_preflight import check_adapter
from rusteval.generation.checkpoints import resolve_model, describe_model
from rusteval.generation.engine import EngineOptions, Sampling, make_requests
from rusteval.generation.transformers.engine import TransformersEngine
from rusteval.problems.models import Problem

base, tuned = resolve_model("tiny/base"), resolve_model("tiny/tuned/checkpoint-120")
check_adapter(tuned, base)
engine = TransformersEngine.load(base, options=EngineOptions(device="cpu"))
problem = Problem.model_validate_json(sys.argv[1])
with engine.adapter(tuned):
    engine.generate(make_requests({problem.task_id: problem}, [(problem.task_id, 0)], seed=1),
                    sampling=Sampling(temperature=0), on_sample=lambda sample: print(sample.completion))
weights = describe_model(base)["files"]["model.safetensors"]
print(weights["etag"], weights["bytes"])
"""


class Hub(BaseHTTPRequestHandler):
    """`tiny/*` from folders; `gated/model` by token; `private/model` and all others unknown."""

    protocol_version = "HTTP/1.1"
    folders: dict = {}  # noqa: RUF012 set once by the fixture, for the class that the server makes objects of

    def log_message(self, *_):
        pass

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        path = self.path.split("?")[0].strip("/")
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        if token and not token.startswith("hf_"):
            self._send(401, error="Invalid credentials in Authorization header")
        elif "gated/model" in path:
            self._send(
                403 if token else 401, code="GatedRepo", error="Access to model gated/model is restricted."
            )
        elif "blocked/model" in path:
            self._send(403, error="Forbidden: your fine-grained token lacks permission.")
        elif "busy/model" in path:
            self._send(429, error="Too many requests")
        else:
            self._public(path, signed_in=bool(token))

    def _public(self, path, *, signed_in):
        if path.startswith("api/models/"):
            repo = "/".join(path.split("/")[2:4])
            if repo in self.folders:
                folder = self.folders[repo]
                names = [str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()]
                inside = path.split("/")[6:]
                if "tree" not in path.split("/"):
                    answer = {"id": repo, "sha": COMMIT, "siblings": [{"rfilename": name} for name in names]}
                elif inside and not (folder / "/".join(inside)).exists():
                    self._send(404, code="EntryNotFound", error="Entry not found")
                    return
                else:
                    answer = [{"type": "file", "path": name, "size": 1, "oid": "0" * 40} for name in names]
                self._send(200, body=json.dumps(answer).encode())
                return
            self._send(404 if signed_in else 401, code="RepoNotFound", error="Repository not found")
            return
        repo, _, rest = path.partition("/resolve/")
        revision, _, name = rest.partition("/")
        if repo not in self.folders:
            self._send(404 if signed_in else 401, code="RepoNotFound", error="Repository not found")
        elif revision not in {"main", COMMIT}:
            self._send(404, code="RevisionNotFound", error="Invalid rev id")
        elif not (self.folders[repo] / name).is_file():
            self._send(404, code="EntryNotFound", error="Entry not found")
        else:
            self._send(200, body=(self.folders[repo] / name).read_bytes())

    def _send(self, status, *, body=b"", code=None, error=None):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Repo-Commit", COMMIT)
        if code:
            self.send_header("X-Error-Code", code)
        if error:
            self.send_header("X-Error-Message", error)
        if status == 200:
            self.send_header("ETag", f'"{hashlib.sha256(body).hexdigest()}"')
        self.end_headers()
        if self.command == "GET":
            with contextlib.suppress(BrokenPipeError):
                self.wfile.write(body)


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    """A hub with a small model folder, no weights needed to find it."""
    root = tmp_path_factory.mktemp("hub")
    for name, file in (
        ("base", "config.json"),
        ("tuned/checkpoint-120", "adapter_config.json"),
        ("data", "data.csv"),
    ):
        (root / name).mkdir(parents=True)
        (root / name / file).write_text("{}")
    Hub.folders = {f"tiny/{name}": root / name for name in ("base", "tuned", "data")}
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def resolve(hub, home, name, **env):
    return run_python(RESOLVE, name, env={"HF_ENDPOINT": hub, "HF_HOME": str(home), **env})


@pytest.mark.parametrize(
    ("name", "env", "message"),
    [
        ("nobody/nothing", {}, "no such model on the hub"),
        (
            "nobody/nothing",
            {"HF_TOKEN": TOKEN},
            "or a private one that the account of your token cannot read",
        ),
        ("gated/model", {}, "gated, and you gave no token; accept its terms at"),
        ("gated/model", {"HF_TOKEN": TOKEN}, "the account of your token has no access; ask for it at"),
        ("tiny/base", {"HF_TOKEN": "wrong"}, "refuses your token as invalid"),
        ("blocked/model", {"HF_TOKEN": TOKEN}, "your token may not read this model"),
        ("busy/model", {}, "try again later"),
        ("tiny/base@no-such-branch", {}, "no such revision"),
        ("tiny/data", {}, "has neither config.json nor adapter_config.json"),
        ("tiny/tuned", {}, "there are checkpoint-120"),
        ("tiny/tuned/checkpoint-9", {}, "in checkpoint-9; there are checkpoint-120"),
        ("tiny/base", {"HF_HUB_OFFLINE": "1"}, "not in the local model cache"),
        ("tiny/base", {"HF_ENDPOINT": "http://127.0.0.1:9"}, "cannot be reached"),
        ("a--b/c", {}, "not a name of a model"),
    ],
)
def test_each_refusal_is_one_line_with_its_own_remedy(hub, tmp_path, name, env, message):
    done = resolve(hub, tmp_path, name, **env)
    assert done.returncode == 2, done.stderr
    assert message in done.stdout
    assert done.stdout.count("\n") == 1
    assert "Traceback" not in done.stderr


def test_a_model_and_a_checkpoint_folder_are_found_and_pinned(hub, tmp_path):
    assert resolve(hub, tmp_path, "tiny/base").stdout == f"tiny/base {COMMIT} - False ['config.json']\n"
    tuned = resolve(hub, tmp_path, "tiny/tuned/checkpoint-120").stdout
    assert tuned == f"tiny/tuned {COMMIT} checkpoint-120 True ['adapter_config.json']\n"
    # What was fetched once is found without the hub.
    for name, expected in (("tiny/base", "False"), ("tiny/tuned/checkpoint-120", "True")):
        offline = resolve("http://127.0.0.1:9", tmp_path, name, HF_HUB_OFFLINE="1")
        assert offline.returncode == 0, offline.stdout + offline.stderr
        assert COMMIT in offline.stdout
        assert f" {expected} " in offline.stdout


@pytest.mark.models
def test_base_and_checkpoint_of_the_hub_are_loaded_and_used(hub, demo, tmp_path):
    Hub.folders = {"tiny/base": demo.base, "tiny/tuned": demo.adapter.parent}
    adapter = tmp_path / "tuned" / "checkpoint-120"
    adapter.mkdir(parents=True)
    for path in demo.adapter.iterdir():
        (adapter / path.name).write_bytes(path.read_bytes())
    settings = json.loads((adapter / "adapter_config.json").read_text())
    (adapter / "adapter_config.json").write_text(
        json.dumps({**settings, "base_model_name_or_path": "tiny/base"})
    )
    Hub.folders["tiny/tuned"] = adapter.parent

    problem = PROBLEMS["HumanEval/2"]
    expected = demo_answer(problem, "right")
    weights = demo.base / "model.safetensors"
    home = {"HF_HOME": str(tmp_path / "home")}
    for env in ({"HF_ENDPOINT": hub}, {"HF_ENDPOINT": "http://127.0.0.1:9", "HF_HUB_OFFLINE": "1"}):
        done = run_python(GENERATE, problem.model_dump_json(), env={**home, **env})
        assert done.returncode == 0, done.stderr
        digest = hashlib.sha256(weights.read_bytes()).hexdigest()
        assert done.stdout == f"{expected}\n{digest} {weights.stat().st_size}\n"
