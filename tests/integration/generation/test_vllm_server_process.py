"""The vLLM server as a process, and what becomes of failing requests; a light server stands in for vLLM."""

import asyncio
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import textwrap
import time

import httpx
import psutil
import pytest
from generating import requests_for
from stand_in_server import answer_tokens, stand_in_python

from rusteval.errors import InfrastructureError, InputError
from rusteval.generation.answers import AnswerReader
from rusteval.generation.api.retrying import RetryPolicy
from rusteval.generation.checkpoints import resolve_model
from rusteval.generation.engine import EngineOptions, Sampling
from rusteval.generation.vllm import server as server_module
from rusteval.generation.vllm import server_client
from rusteval.generation.vllm.server import ServerPlan, VllmServer
from rusteval.generation.vllm.server_client import Client, Question, ServerLostError
from rusteval.generation.vllm.server_engine import VllmServerEngine

pytestmark = pytest.mark.models

LIMIT = 9


def plan(folder, model, **changes):
    return ServerPlan(
        **{
            "model": model,
            "arguments": (),
            "python": stand_in_python(folder),
            "log": folder / "log",
            "patience_s": 60,
            **changes,
        }
    )


def living(group):
    """Return the processes of a group that live."""
    found = []
    for process in psutil.process_iter():
        try:
            if os.getpgid(process.pid) == group and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.NoSuchProcess, ProcessLookupError):
            continue
    return found


def test_a_server_listens_here_alone_with_a_key_that_stands_on_no_command_line(tmp_path):
    said = []
    with VllmServer(plan(tmp_path, "good"), say=said.append) as server:
        assert server.running()
        assert server.answers()
        assert server.url.startswith("http://127.0.0.1:")
        assert server.version == "0.0.0"
        key = server.headers["Authorization"].removeprefix("Bearer ")
        assert len(key) > 30
        group = server.pid
        assert group != os.getpgid(0)
        lines = [" ".join(process.cmdline()) for process in living(group)]
        assert any("--model good" in line for line in lines)
        assert not any(key in line for line in lines)
        body = {"model": "base", "prompt": [1], "max_tokens": 1}
        assert httpx.post(f"{server.url}/v1/completions", json=body).status_code == 401
        assert key not in (tmp_path / "log").read_text()
    assert living(group) == []
    assert not server.running()
    assert not server.answers()
    assert f"on port {server.port}" in said[-1]


@pytest.mark.parametrize("model", ["stubborn", "deaf"])
def test_a_stopped_server_leaves_no_process_even_if_one_ignores_signals(tmp_path, monkeypatch, model):
    monkeypatch.setattr(server_module, "END_GRACE_S", 0.5)
    with VllmServer(plan(tmp_path, model)) as server:
        group = server.pid
        assert len(living(group)) >= 3
    assert living(group) == []


def test_a_server_ends_when_the_program_that_started_it_is_killed(tmp_path):
    code = """
        import sys, time
        from pathlib import Path
        from rusteval.generation.vllm.server import ServerPlan, VllmServer
        folder = Path(sys.argv[1])
        server = VllmServer(ServerPlan(
            model="stubborn", arguments=(), python=folder / "python", log=folder / "log"
        ))
        server.start()
        print(server.pid, flush=True)
        time.sleep(600)
    """
    stand_in_python(tmp_path)
    parent = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    group = int(parent.stdout.readline())
    assert len(living(group)) >= 3
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    deadline = time.monotonic() + 60
    while living(group) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert living(group) == []


def test_a_server_may_be_started_again_and_its_log_goes_on(tmp_path):
    server = VllmServer(plan(tmp_path, "good"))
    for _ in range(2):
        server.start()
        server.stop()
    server.stop()  # nothing to do
    assert (tmp_path / "log").read_text().count("--model good") == 2


def test_a_port_in_use_is_told_before_anything_is_started(tmp_path):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        with pytest.raises(InputError, match=f"--port {port}: cannot be used .*in use.*; end what listens"):
            VllmServer(plan(tmp_path, "good", port=port)).start()
    assert not (tmp_path / "log").exists()
    with VllmServer(plan(tmp_path, "good", port=port)) as server:
        assert server.port == port


@pytest.mark.parametrize("port", [-1, 70_000])
def test_a_port_that_does_not_exist(tmp_path, port):
    with pytest.raises(InputError, match=f"--port {port}: cannot be used"):
        VllmServer(plan(tmp_path, "good", port=port)).start()


def test_a_python_without_vllm_and_no_python_at_all(tmp_path):
    with pytest.raises(InputError, match=r"vllm is not installed in its environment; .*--vllm-python"):
        VllmServer(plan(tmp_path, "good", python=sys.executable)).start()
    with pytest.raises(InputError, match=r"cannot be run \(No such file"):
        VllmServer(plan(tmp_path, "good", python=tmp_path / "nothing")).start()
    broken = tmp_path / "broken"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    with pytest.raises(InputError, match="is no Python"):
        VllmServer(plan(tmp_path, "good", python=broken)).start()


def test_a_log_that_cannot_be_written(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot be written"):
        VllmServer(plan(tmp_path, "good", log=tmp_path / "file" / "log")).start()


def test_a_server_that_ends_at_once_tells_why(tmp_path):
    with pytest.raises(
        InfrastructureError,
        match=r"ended with status 3: 'ValueError: there is something wrong with it'; see .*/log",
    ):
        VllmServer(plan(tmp_path, "broken")).start()


def test_a_server_that_is_never_well_is_ended_after_the_patience(tmp_path):
    server = VllmServer(plan(tmp_path, "slow", patience_s=2))
    with pytest.raises(InfrastructureError, match=r"did not answer within 2 s .*; see .*/log"):
        server.start()
    assert server.pid == 0


def test_a_server_that_is_well_but_gives_no_answer(tmp_path):
    server = VllmServer(plan(tmp_path, "refusing"))
    with pytest.raises(InfrastructureError, match=r"its first answer is 500 .*no answer today"):
        server.start()
    assert server.pid == 0


def test_the_end_of_a_server_waits_for_the_gpus_memory(tmp_path, monkeypatch):
    """What the tool of the driver says is made up: used by others before, by the server after, given back in the end."""
    calls = tmp_path / "calls"
    tool = tmp_path / "nvidia-smi"
    tool.write_text(
        f"#!/bin/sh\necho x >>{calls}\ncase $(wc -l <{calls}) in\n1) echo 1000 ;;\n[23]) echo 9000 ;;\n*) echo 1200 ;;\nesac\n"
    )
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    with VllmServer(plan(tmp_path, "good")):
        pass
    assert calls.read_text().count("x") == 4


# Failing requests


class Letters:
    """A tokenizer whose tokens are characters."""

    def decode(self, tokens, **_options):
        return "".join(map(chr, tokens))


def questions(n):
    return [
        Question(request=request, prompt=(1, 2, 3), prompt_sha256="", limit=LIMIT)
        for request in requests_for(n, tasks=["HumanEval/2", "HumanEval/23"])
    ]


def asked(server, wanted):
    """Ask a server and return what was handed over before and after a failure, with the failure if there was one."""
    reader = AnswerReader(Letters(), end_tokens=frozenset({0}))
    client = Client(server=server, model="base", group_size=4, places=4, sends_token_ids=True, reader=reader)
    found, failure = [], None
    work = client.draw(
        wanted, sampling=Sampling(temperature=1.0), on_drawn=found.append, on_tokens=lambda _: None
    )
    try:
        asyncio.run(work)
    except (ServerLostError, InfrastructureError) as error:
        failure = error
    return found, failure


@pytest.fixture
def quick(monkeypatch):
    """No waiting between tries."""
    monkeypatch.setattr(
        server_client, "RETRIES", RetryPolicy(attempts=4, first_wait_s=0.01, longest_wait_s=0.01)
    )


@pytest.mark.parametrize("model", ["good", "flaky"])
def test_requests_that_break_off_are_repeated_and_each_answer_is_handed_over_once(tmp_path, quick, model):
    wanted = questions(6)
    with VllmServer(plan(tmp_path, model)) as server:
        found, failure = asked(server, wanted)
    assert failure is None
    assert {id(one.question) for one in found} == {id(one) for one in wanted}
    assert len(found) == len(wanted)
    for one in found:
        assert one.answer.tokens == answer_tokens(one.question.request.seed, LIMIT)
        assert one.answer.finish_reason == "length"


def test_a_request_that_is_refused_is_reported_and_not_repeated(tmp_path, quick):
    with VllmServer(plan(tmp_path, "strict")) as server:
        found, failure = asked(server, questions(1))
    assert found == []
    # Two are under way at a time, and either may be the first to be refused.
    assert re.search(r"refuses the request for HumanEval/(2|23): 400", str(failure))


def test_a_request_that_fails_for_good_is_reported(tmp_path, quick, monkeypatch):
    monkeypatch.setattr(server_client, "RETRIES", RetryPolicy(attempts=2, first_wait_s=0.01))
    with VllmServer(plan(tmp_path, "flaky")) as server:
        found, failure = asked(server, questions(3)[:3])
    assert len(found) == 2
    assert "HumanEval/2: a request failed 2 times" in str(failure)


def test_a_server_that_dies_is_told_from_one_that_fails(tmp_path, quick):
    with VllmServer(plan(tmp_path, "down")) as server:
        found, failure = asked(server, questions(2))
        assert isinstance(failure, ServerLostError)
        assert found == []
        assert "was killed" in str(server.why_ended())


# The engine on a server that dies


def engine_on(demo, folder, model, **changes):
    shutil.copytree(demo.base, folder / model)
    options = EngineOptions(device="cpu", batch_size=1, vllm_python=stand_in_python(folder), **changes)
    return VllmServerEngine.load(resolve_model(str(folder / model)), options=options)


def test_a_server_that_dies_again_and_again_is_started_as_long_as_answers_come(demo, tmp_path, quick):
    engine, samples = engine_on(demo, tmp_path, "mortal", log_dir=tmp_path), []
    try:
        engine.generate(
            requests_for(3),
            sampling=Sampling(max_new_tokens=LIMIT, temperature=1.0),
            on_sample=samples.append,
        )
    finally:
        engine.close()
    assert sorted((one.task_id, one.completion_id) for one in samples) == sorted(
        (request.task_id, request.completion_id) for request in requests_for(3)
    )
    assert {one.completion_tokens for one in samples} == {LIMIT}
    assert engine.facts["restarts"] > 1


def test_a_server_that_dies_twice_without_an_answer_is_given_up_and_leaves_its_log(demo, tmp_path, quick):
    engine, samples = engine_on(demo, tmp_path, "down"), []
    group = engine._server.pid
    try:
        with pytest.raises(
            InfrastructureError, match=r"killed.*see /.*/vllm-server\.log.*ended twice"
        ) as caught:
            engine.generate(requests_for(2), sampling=Sampling(), on_sample=samples.append)
    finally:
        engine.close()
    assert "\n" not in str(caught.value)
    assert samples == []
    assert engine.facts["restarts"] == 1
    assert living(group) == []
    assert engine._server.plan.log.is_file()
    shutil.rmtree(engine._server.plan.log.parent)


def test_a_temporary_log_goes_with_a_server_that_gave_no_trouble(demo, tmp_path):
    engine = engine_on(demo, tmp_path, "good")
    log = engine._server.plan.log
    assert log.is_file()
    engine.close()
    assert not log.parent.exists()
