"""`rusteval serve`: the life of a server that others ask, seen from other terminals; a light server stands in for vLLM."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import psutil
import pytest
import yaml
from generating import start as start_process
from stand_in_server import stand_in_python

from rusteval.command_line import new_app
from rusteval.command_line import run as run_app
from rusteval.errors import InfrastructureError, InputError
from rusteval.generation.vllm.served import find_served, require_served
from rusteval.generation.vllm.server import ServerPlan, VllmServer
from rusteval.generation.vllm.server_record import ServerRecord, read_record, record_path, write_record
from rusteval.generation.vllm.server_site import free_port
from rusteval.pipeline.serving import foreground
from rusteval.pipeline.serving.choice import ServeOptions, choose
from rusteval.pipeline.serving.foreground import serve as serve_here
from rusteval.pipeline.serving.lookup import server_status, stop_server
from rusteval.serve_command import serve

pytestmark = pytest.mark.models

SCRIPT = Path(__file__).resolve().parents[3] / "scripts" / "start_vllm_server.py"
PATIENCE_S = 120.0


def serve_in_process(arguments: list[str], environment: dict[str, str], folder: Path) -> None:
    """Run the command in this process, with a place and standard streams of its own."""
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    for name, number in (("out", 1), ("err", 2)):
        with (folder / name).open("ab") as stream:
            os.dup2(stream.fileno(), number)
    app = new_app()
    app.command()(serve)
    run_app(app, arguments)


class Terminal:
    """A directory with two models, an interpreter that stands for vLLM's, and a state of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.python = stand_in_python(folder)
        self.started = []
        for model in ("good", "stubborn", "deaf", "broken"):
            (folder / model).mkdir()
            (folder / model / "config.json").write_text(
                '{"model_type": "llama", "max_position_embeddings": 512}'
            )

    def start(self, *arguments: str):
        """Start the command in a process of its own."""
        given = ["--port", str(self.port), "--vllm-python", str(self.python), *arguments]
        process = start_process(serve_in_process, given, dict(os.environ), self.folder)
        self.started.append(process)
        return process

    def serve(self, model: str, *arguments: str):
        """Start the command and wait until it says that the model is served."""
        process = self.start("--model", model, *arguments)
        wait_until(lambda: f"== {model} is served at" in self.said("out") or not process.is_alive())
        assert process.is_alive(), self.said("err")
        return process

    def said(self, stream: str) -> str:
        path = self.folder / stream
        return path.read_text() if path.exists() else ""

    def end(self) -> None:
        for process in self.started:
            process.kill()
            process.join()


def wait_until(condition) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def living(group: int) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            if os.getpgid(process.pid) == group and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.NoSuchProcess, ProcessLookupError):
            continue
    return found


def kill_server(group: int) -> None:
    """Kill what stands for vLLM, as the system does when memory runs out."""
    next(one for one in living(group) if "stand_in_server.py" in " ".join(one.cmdline()[1:2])).kill()


@pytest.fixture
def terminal(tmp_path, monkeypatch):
    for name in os.environ:
        if name.startswith(("RUSTEVAL_", "VLLM_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    terminal = Terminal(tmp_path)
    yield terminal
    terminal.end()


def test_a_model_is_served_by_its_own_name_without_a_key_until_the_process_is_told_to_end(terminal):
    process = terminal.serve("good")
    assert terminal.said("out") == f"== good is served at {terminal.url}/v1; Ctrl-C ends it\n"
    assert find_served(terminal.url).models == ("good",)
    answer = httpx.post(f"{terminal.url}/v1/completions", json={"model": "good", "prompt": "a"})
    assert answer.is_success

    found = server_status(terminal.url)
    record = read_record()
    assert (found.running, found.state, found.healthy) == (True, "ready", True)
    assert (found.model, found.url, found.pid) == ("good", f"{terminal.url}/v1", process.pid)
    assert found.models_loaded == ("good",)
    assert "--model" in found.log.read_text()

    os.kill(process.pid, signal.SIGTERM)
    process.join(PATIENCE_S)
    assert process.exitcode == 0
    assert living(record.group) == []
    assert read_record() is None
    assert server_status(terminal.url).state == "stopped"
    assert "== good is no longer served" in terminal.said("err")


def test_ctrl_c_ends_it_too_and_the_next_start_keeps_the_last_log(terminal):
    for _ in range(2):
        process = terminal.serve("good")
        os.kill(process.pid, signal.SIGINT)
        process.join(PATIENCE_S)
        assert process.exitcode == 0
        (terminal.folder / "out").unlink()
    assert {path.name for path in record_path().parent.iterdir()} >= {
        "vllm-server.log",
        "vllm-server.log.old",
    }


def test_a_key_is_asked_for_where_one_is_set(terminal, monkeypatch):
    monkeypatch.setenv("VLLM_API_KEY", "sesame")
    terminal.serve("good")
    body = {"model": "good", "prompt": "a"}
    assert httpx.post(f"{terminal.url}/v1/completions", json=body).status_code == 401
    with_key = {"Authorization": "Bearer sesame"}
    assert httpx.post(f"{terminal.url}/v1/completions", json=body, headers=with_key).is_success
    assert server_status(terminal.url).models_loaded == ("good",)
    stop_server()
    assert all("sesame" not in path.read_text() for path in record_path().parent.iterdir())


def test_a_plan_without_a_key_lets_everybody_ask_whatever_the_environment_says(terminal, monkeypatch):
    monkeypatch.setenv("VLLM_API_KEY", "sesame")
    plan = ServerPlan(
        model="good", arguments=(), key=None, python=terminal.python, log=terminal.folder / "log"
    )
    with VllmServer(plan) as server:
        assert server.headers == {}
        assert httpx.post(f"{server.url}/v1/completions", json={"model": "base"}).is_success


def test_stop_waits_until_every_process_has_gone(terminal):
    process = terminal.serve("stubborn")
    group = read_record().group
    assert len(living(group)) >= 3
    assert stop_server().model == "stubborn"
    assert living(group) == []
    process.join(PATIENCE_S)
    assert process.exitcode == 0
    assert stop_server() is None


def test_a_killed_owner_leaves_nothing_but_a_record_that_is_known_as_stale(terminal):
    process = terminal.serve("good")
    record = read_record()
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    wait_until(lambda: not living(record.group))
    assert record_path().exists()
    assert server_status(terminal.url).state == "stopped"
    assert stop_server() is None
    (terminal.folder / "out").unlink()
    terminal.serve("good")
    assert server_status(terminal.url).state == "ready"


def test_an_owner_killed_a_moment_ago_is_waited_for(terminal):
    """The new start finds the old server on its port, which ignores signals until its keeper kills it."""
    process = terminal.serve("deaf")
    os.kill(process.pid, signal.SIGKILL)
    (terminal.folder / "out").unlink()
    terminal.serve("good")
    assert find_served(terminal.url).models == ("good",)


def test_a_number_that_another_process_has_now_is_no_owner(terminal):
    stranger = psutil.Process()
    record = ServerRecord(
        pid=stranger.pid,
        started=stranger.create_time() - 3600,
        since="2020-01-01T00:00:00+00:00",
        model="good",
        url=terminal.url,
        ready=True,
        log=terminal.folder / "log",
        group=os.getpgid(0),  # another's too by now: nobody waits for it to end
    )
    record_path().parent.mkdir(parents=True)
    write_record(record)
    assert record.owner() is None
    assert server_status(terminal.url).state == "stopped"
    assert stop_server() is None  # and this process lives on
    write_record(record.model_copy(update={"started": stranger.create_time()}))
    assert server_status(terminal.url).state == "unwell"
    record_path().write_text("{half")
    assert server_status(terminal.url).state == "stopped"


def test_another_model_needs_force_and_the_same_is_left_alone(terminal):
    first = terminal.serve("stubborn")
    again = terminal.start("--model", "stubborn")
    again.join(PATIENCE_S)
    assert again.exitcode == 0
    assert f"stubborn is served already at {terminal.url}/v1 (process {first.pid})" in terminal.said("out")
    other = terminal.start("--model", "good")
    other.join(PATIENCE_S)
    assert other.exitcode == 2
    assert "so good cannot be; end it with --stop, or give --force" in terminal.said("err")
    assert find_served(terminal.url).models == ("stubborn",)
    group = read_record().group
    terminal.serve("good", "--force")
    assert living(group) == []
    first.join(PATIENCE_S)
    assert first.exitcode == 0
    assert find_served(terminal.url).models == ("good",)


def test_a_model_that_cannot_be_served_ends_the_command_with_the_cause(terminal):
    process = terminal.start("--model", "broken")
    process.join(PATIENCE_S)
    assert process.exitcode == 4
    assert "there is something wrong with it" in terminal.said("err").splitlines()[-1]
    assert read_record() is None


def test_a_server_that_dies_is_started_again_but_not_for_ever(terminal, monkeypatch):
    monkeypatch.setattr(foreground, "LEAST_LIFE_S", 0)
    choice = choose(ServeOptions(model="good", port=terminal.port, vllm_python=terminal.python))
    said, ends = [], []

    def work():
        try:
            serve_here(choice, say=said.append, announce=said.append)
        except InfrastructureError as error:
            ends.append(error)

    def served() -> int:
        return sum("Ctrl-C ends it" in line for line in said)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    wait_until(lambda: served() == 1 and read_record().ready)
    first = read_record().group
    kill_server(first)
    wait_until(lambda: served() == 2)
    assert any("was killed" in line and "it is started again" in line for line in said)
    assert living(first) == []
    monkeypatch.setattr(foreground, "LEAST_LIFE_S", 3600)
    wait_until(lambda: read_record().group not in (0, first))
    kill_server(read_record().group)
    thread.join(PATIENCE_S)
    assert "was killed" in str(ends[0])
    assert read_record() is None


# Servers of others


class _Foreign(BaseHTTPRequestHandler):
    status, body = 200, b""

    def log_message(self, *_arguments):
        """Write nothing."""

    def do_GET(self):
        self.send_response(self.status)
        self.send_header("content-length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)


@pytest.fixture
def foreign(terminal):
    """Start a server of somebody else's on the port; it says what it is told to."""
    server = ThreadingHTTPServer(("127.0.0.1", terminal.port), _Foreign)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()

    def says(status: int, value: object) -> None:
        _Foreign.status, _Foreign.body = status, json.dumps(value).encode()

    says(200, {"data": [{"id": "theirs"}, {"id": "more"}]})
    yield says
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_server_of_somebody_else_is_told_with_its_models(terminal, foreign):
    found = server_status(terminal.url)
    assert (found.running, found.state, found.healthy) == (False, "foreign", False)
    assert found.models_loaded == ("theirs", "more")
    assert "a server of theirs, more answers there, which this command did not start" in found.message
    assert stop_server() is None
    process = terminal.start("--model", "good")
    process.join(PATIENCE_S)
    assert process.exitcode == 2
    assert f"--port {terminal.port}: a server of theirs, more answers there already" in terminal.said("err")
    foreign(401, {"error": "Unauthorized"})
    assert "wants another key" in server_status(terminal.url).message
    foreign(200, ["a page"])
    assert "no model server" in server_status(terminal.url).message


def test_a_run_that_asks_a_served_model_is_told_what_is_there_instead(terminal, foreign):
    require_served(terminal.url, "theirs")
    with pytest.raises(InputError, match=r"a server of theirs, more answers there, not mine; .*--model mine"):
        require_served(terminal.url, "mine")
    foreign(403, {})
    with pytest.raises(InputError, match="set VLLM_API_KEY"):
        require_served(terminal.url, "theirs")
    with pytest.raises(
        InputError,
        match=r"nothing answers there; start it with scripts/start_vllm_server\.py --model mine, or use --dynamic-server",
    ):
        require_served(f"http://127.0.0.1:{free_port()}", "mine")


def test_a_program_that_listens_and_says_nothing_is_told_too(terminal, monkeypatch):
    monkeypatch.setattr("rusteval.generation.vllm.served._TIMEOUT_S", 0.5)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", terminal.port))
        listener.listen()
        assert server_status(terminal.url).state == "foreign"


# Settings


def settings(folder: Path, **server) -> None:
    models = [
        {"model": "good", "max_model_len": 256, "tensor_parallel_size": 2},
        {"model": "Org/Tuned_1", "base_model": "org/base"},
    ]
    value = {"models": {"vllm": models}, "server": {"port": 8123, **server}}
    (folder / "multi_model_eval_config.yaml").write_text(yaml.safe_dump(value))


def test_the_command_line_goes_before_the_models_settings_and_those_before_the_servers(terminal):
    assert choose(ServeOptions(model="good")).port == 8000
    settings(terminal.folder, runtime={"tensor_parallel_size": 4, "gpu_memory_utilization": 0.5})
    found = choose(ServeOptions(model="good", gpu_memory_utilization=0.7))
    assert (found.port, found.max_model_len, found.url) == (8123, 256, "http://127.0.0.1:8123")
    assert (found.tensor_parallel_size, found.gpu_memory_utilization) == (2, 0.7)
    tuned = choose(ServeOptions(model="org-tuned-1", port=9, max_model_len=64))
    assert (tuned.model, tuned.base_model) == ("Org/Tuned_1", "org/base")
    assert (tuned.port, tuned.max_model_len, tuned.tensor_parallel_size) == (9, 64, 4)
    with pytest.raises(InputError, match=r"give --model, .*yaml has good, Org/Tuned_1"):
        choose(ServeOptions())


def test_an_address_that_others_reach_needs_a_key(terminal, monkeypatch):
    settings(terminal.folder, host="0.0.0.0")
    with pytest.raises(
        InputError, match=r"server\.host 0\.0\.0\.0: other machines could ask there; set VLLM_API_KEY"
    ):
        choose(ServeOptions(model="good"))
    monkeypatch.setenv("VLLM_API_KEY", "sesame")
    assert choose(ServeOptions(model="good")).host == "0.0.0.0"


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, str(SCRIPT), *arguments]
    return subprocess.run(line, capture_output=True, text=True, timeout=PATIENCE_S, check=False)


def test_the_script_lists_tells_and_stops(terminal):
    settings(terminal.folder, port=terminal.port)
    assert command("--list").stdout.splitlines() == ["good", "Org/Tuned_1 on org/base"]
    nothing = command("--status", "--json")
    assert nothing.returncode == 1
    assert json.loads(nothing.stdout)["state"] == "stopped"
    terminal.serve("good")
    there = command("--status", "--json")
    assert there.returncode == 0
    told = json.loads(there.stdout)
    assert {"running", "model", "url", "pid", "since", "healthy", "models_loaded", "log"} <= told.keys()
    assert command("--status").stdout.startswith(f"good is served at {terminal.url}/v1 as good; since ")
    stopped = command("--stop")
    assert (stopped.returncode, stopped.stdout) == (0, "good is no longer served; its processes have gone\n")
    assert command("--stop").stdout == "no server runs\n"
    wrong = command("--stop", "--status")
    assert (wrong.returncode, wrong.stderr) == (2, "error: --list, --status and --stop exclude each other\n")
