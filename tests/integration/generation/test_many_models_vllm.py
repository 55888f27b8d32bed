"""Many models by vLLM: a server for each base, started by the run or by `rusteval serve`; vLLM for processors is real."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from http.server import ThreadingHTTPServer
from pathlib import Path

import psutil
import pytest
import yaml
from generating import start as start_process
from stand_in_server import _Handler, stand_in_python
from test_serve_command import serve_in_process
from vllm_environment import vllm_process_environment, vllm_python

from rusteval.errors import InfrastructureError
from rusteval.generation.store import SampleStore
from rusteval.generation.vllm.served import find_served
from rusteval.generation.vllm.server_site import free_port
from rusteval.pipeline.many_models.running import RunOptions, run_models
from rusteval.pipeline.serving.lookup import server_status, stop_server
from rusteval.status import StatusReporter
from rusteval.tables import read_rows, write_rows

pytestmark = pytest.mark.models

SCRIPT = Path(__file__).resolve().parents[3] / "scripts" / "run_evaluation.py"
PATIENCE_S = 600.0
TABLE = [
    {"task_id": "add/1", "rust_prompt": "Add two numbers.", "rust_test_list": ["assert_eq!(add(1, 2), 3);"]},
    {"task_id": "twice/2", "rust_prompt": "Double it.", "rust_test_list": ["assert_eq!(twice(4), 8);"]},
]
N = 40  # of two tasks: more than are under way at a time, so that a server killed early is missed


@pytest.fixture(autouse=True)
def _place(tmp_path, monkeypatch):
    """Keep everything in a directory of the test's own, and the settings of vLLM to ours."""
    wanted = vllm_process_environment(VLLM_CPU_KVCACHE_SPACE="1", XDG_STATE_HOME=str(tmp_path / "state"))
    for name in os.environ.keys() - wanted.keys():
        monkeypatch.delenv(name)
    for name, value in wanted.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    columns = {"task_id": "text", "rust_prompt": "text", "rust_test_list": "texts"}
    write_rows(Path("data.parquet"), TABLE, columns=columns)


def write_settings(
    models: dict[str, Path], *, port: int, python: Path | None = None, output: str = "outputs"
) -> None:
    value = {
        "models": {
            "vllm": [
                {"model": str(path), "name": name, "max_model_len": 400} for name, path in models.items()
            ]
        },
        "server": {"port": port, "vllm_python": str(python or vllm_python())},
        "generation_params": {"num_samples": N, "temperature": 1.0, "max_new_tokens": 40},
        "dataset": {"path": "data.parquet"},
        "output": {"base_dir": output},
    }
    Path("multi_model_eval_config.yaml").write_text(yaml.safe_dump(value))


def run(said, **options) -> None:
    """Draw the answers, in this process; what is told goes into a stream."""
    reporter = StatusReporter(stream=said)
    options = {"stages": ("inference",), **options}
    run_models(Path("multi_model_eval_config.yaml"), options=RunOptions(**options), reporter=reporter)


def answers(name: str) -> list[str]:
    rows = [row for _, row in read_rows(Path("outputs", name, "predictions.parquet"))]
    assert [(row["task_id"], row["completion_id"]) for row in rows] == [
        (one["task_id"], index) for one in TABLE for index in range(N)
    ]
    return [row["response"] for row in rows]


def servers() -> list[psutil.Process]:
    """Return the processes under this one that serve."""
    found = []
    for process in psutil.Process().children(recursive=True):
        try:
            if "vllm.entrypoints.openai.api_server" in process.cmdline():
                found.append(process)
        except psutil.Error:
            continue
    return found


def wait_until(condition) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.1)


@pytest.mark.skipif(
    "RUSTEVAL_TEST_LONG" not in os.environ, reason="takes minutes: RUSTEVAL_TEST_LONG=1 runs it"
)
def test_each_base_gets_a_server_of_its_own_and_a_killed_one_is_started_again(
    demo, tmp_path, monkeypatch, capsys
):
    other = tmp_path / "other"
    shutil.copytree(demo.base, other)
    port = free_port()
    write_settings({"base": demo.base, "other": other, "tuned": demo.adapter}, port=port)
    append, kept, at_once = SampleStore.append, [], []

    def keep(store, sample):
        append(store, sample)
        kept.append(sample)
        at_once.append({one.pid for one in servers() if "sh" not in one.name()})
        if len(kept) == 3:
            next(one for one in servers() if "sh" not in one.name()).send_signal(signal.SIGKILL)

    monkeypatch.setattr(SampleStore, "append", keep)
    run(sys.stderr, dynamic_server=True)
    assert servers() == []
    assert find_served(f"http://127.0.0.1:{port}") is None
    said = capsys.readouterr().err
    assert said.count("it is started again") == 1
    assert said.count("ready after") == 3  # one killed, one for it, one for the other base
    assert "adapter" in said
    assert len(kept) == 3 * 2 * N
    assert all(len(pids) <= 1 for pids in at_once)
    assert len(set().union(*at_once)) == 3
    assert answers("base") != answers("tuned")
    # A copy of the base, asked with the same seeds by a server that was not killed, says the same.
    assert answers("base") == answers("other")


@pytest.fixture
def served(demo, tmp_path):
    """The adapter beside its base, served by the command in a process of its own; yields the port."""
    port = free_port()
    write_settings({"base": demo.base, "tuned": demo.adapter}, port=port)
    process = start_process(serve_in_process, ["--model", "tuned"], dict(os.environ), tmp_path)
    out = tmp_path / "out"
    wait_until(lambda: (out.exists() and "Ctrl-C ends it" in out.read_text()) or not process.is_alive())
    assert process.is_alive(), (tmp_path / "err").read_text()
    yield port
    if process.is_alive():
        os.kill(process.pid, signal.SIGTERM)
    process.join(PATIENCE_S)
    assert process.exitcode == 0


def test_a_run_asks_the_server_that_is_there_for_base_and_adapter(demo, served):
    url = f"http://127.0.0.1:{served}"
    found = server_status(url)
    assert (found.state, found.model) == ("ready", str(demo.adapter))
    assert set(found.models_loaded) == {str(demo.base), str(demo.adapter)}
    run(sys.stderr)
    assert answers("base") != answers("tuned")
    write_settings({"base": demo.base}, port=served, output="elsewhere")
    with pytest.raises(
        InfrastructureError,
        match=f"--port {served}: a server of {demo.base}, {demo.adapter} answers there already",
    ):
        run(sys.stderr, dynamic_server=True)
    assert stop_server().model == str(demo.adapter)
    write_settings({"base": demo.base, "tuned": demo.adapter}, port=served)
    run(sys.stderr)  # needs no server, for all answers are there


def test_a_run_without_a_server_says_how_to_start_one(demo):
    write_settings({"base": demo.base}, port=free_port())
    with pytest.raises(InfrastructureError, match=r"nothing answers there; start it with scripts/start_vllm"):
        run(sys.stderr)


def test_another_server_on_the_port_is_named(demo):
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    port = server.server_address[1]
    try:
        write_settings({"mine": demo.base}, port=port)
        with pytest.raises(
            InfrastructureError, match=f"--port {port}: a server of base answers there already"
        ):
            run(sys.stderr, dynamic_server=True)
        with pytest.raises(InfrastructureError, match=f"a server of base answers there, not {demo.base}"):
            run(sys.stderr)
    finally:
        server.shutdown()
        server.server_close()


def test_a_killed_run_leaves_no_server(demo, tmp_path):
    """The server here never becomes well, so the run is certain to be waiting for it."""
    shutil.copytree(demo.base, tmp_path / "slow")
    write_settings({"slow": tmp_path / "slow"}, port=free_port(), python=stand_in_python(tmp_path))
    command = [sys.executable, str(SCRIPT), "--inference-only", "--dynamic-server"]
    with Path("log.txt").open("ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    wait_until(lambda: servers() or process.poll() is not None)
    assert process.poll() is None, Path("log.txt").read_text()
    left = servers()
    process.kill()
    process.wait()
    wait_until(lambda: not any(one.is_running() and one.status() != psutil.STATUS_ZOMBIE for one in left))
