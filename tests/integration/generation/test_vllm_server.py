"""The vLLM server engine with a real vLLM for the processor; one server serves all tests, and is killed in the last."""

import asyncio
import json
import os
import random
import shutil
import signal
from dataclasses import replace
from types import SimpleNamespace

import httpx
import psutil
import pytest
from generating import PROBLEMS, requests_for
from safetensors.torch import load_file, save_file
from vllm_environment import vllm_process_environment, vllm_python

from rusteval.errors import InputError
from rusteval.generation.checkpoints import resolve_model
from rusteval.generation.engine import EngineOptions, Sampling
from rusteval.generation.prompts import prompt_sha256, render
from rusteval.generation.transformers.engine import TransformersEngine
from rusteval.generation.vllm.server import ServerPlan, VllmServer
from rusteval.generation.vllm.server_engine import VllmServerEngine

pytestmark = pytest.mark.models

WARM = Sampling(temperature=1.0, max_new_tokens=120)
GREEDY = Sampling(temperature=0, max_new_tokens=80)
CONTEXT = 300
N = 10


@pytest.fixture(scope="module")
def served(demo, tmp_path_factory):
    """A server with the base, room for an adapter, the base's samples as drawn at first, and what was said."""
    said = []
    with pytest.MonkeyPatch.context() as patch:
        for name in os.environ.keys() - vllm_process_environment().keys():
            patch.delenv(name)
        for name, value in vllm_process_environment(VLLM_CPU_KVCACHE_SPACE="1").items():
            patch.setenv(name, value)
        engine = VllmServerEngine.load(
            resolve_model(str(demo.base)),
            options=EngineOptions(
                device="cpu",
                batch_size=16,
                context=CONTEXT,
                lora_rank=16,
                vllm_python=vllm_python(),
                log_dir=tmp_path_factory.mktemp("server"),
            ),
            say=said.append,
        )
        group = engine._server.pid
        try:
            yield SimpleNamespace(engine=engine, said=said, base=drawn(engine, requests_for(N)))
        finally:
            engine.close()
        assert members(group) == []


def drawn(engine, requests, sampling=WARM):
    samples = []
    engine.generate(requests, sampling=sampling, on_sample=samples.append)
    found = {(sample.task_id, sample.completion_id): sample for sample in samples}
    assert len(found) == len(samples) == len(requests)
    return found


def content(samples):
    """Return what must not differ: all but the time that a sample took."""
    return {key: sample.model_dump(exclude={"generation_ms"}) for key, sample in sorted(samples.items())}


def members(group):
    found = []
    for process in psutil.process_iter():
        try:
            if os.getpgid(process.pid) == group and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.NoSuchProcess, ProcessLookupError):
            continue
    return found


def test_facts_tell_how_answers_are_drawn(served):
    facts = served.engine.facts
    assert (facts["engine"], facts["dtype"], facts["device"]) == ("vllm-server", "float32", "cpu")
    assert (facts["group_size"], facts["max_num_seqs"], facts["max_model_len"]) == (8, 16, CONTEXT)
    assert facts["tokens_counted_by"] == "token ids"
    assert facts["versions"]["vllm"]
    assert "--enable-lora" in facts["command"]
    json.dumps(facts)
    assert any("ready after" in line for line in served.said)


def test_nobody_without_the_key_gets_an_answer(served):
    url = f"{served.engine._server.url}/v1/models"
    assert httpx.get(url).status_code == 401
    assert httpx.get(url, headers=served.engine._server.headers).status_code == 200


def test_a_sample_records_how_it_was_made(served, demo):
    engine = served.engine
    request = requests_for(N)[-1]
    sample = served.base[request.task_id, request.completion_id]
    text = render(engine._tokenizer, request.prompt)
    assert (sample.model, sample.seed) == (str(demo.base), request.seed)
    assert sample.prompt_sha256 == prompt_sha256(text)
    assert sample.prompt_tokens == len(engine._tokenizer(text, add_special_tokens=False)["input_ids"])
    assert sample.generation_ms > 0
    assert {one.finish_reason for one in served.base.values()} >= {"function_closed", "stop"}


def test_samples_do_not_depend_on_groups_order_or_concurrency(served, monkeypatch):
    reference = content(served.base)
    assert len({sample.completion for sample in served.base.values()}) > len(PROBLEMS)
    engine, requests = served.engine, requests_for(N)
    for group_size, places in ((1, 16), (3, 16), (8, 1), (8, 64)):
        monkeypatch.setattr(engine, "_client", replace(engine._client, group_size=group_size, places=places))
        assert content(drawn(engine, requests)) == reference
    monkeypatch.undo()
    assert content(drawn(engine, requests[::-1])) == reference
    random.Random(7).shuffle(requests)
    assert content(drawn(engine, requests)) == reference


def test_a_resumed_half_equals_that_of_an_uninterrupted_run(served):
    rest = [request for request in requests_for(N) if (request.completion_id + len(request.task_id)) % 2]
    keys = {(request.task_id, request.completion_id) for request in rest}
    assert content(drawn(served.engine, rest)) == {
        key: value for key, value in content(served.base).items() if key in keys
    }


def test_a_version_that_sends_no_token_numbers_gives_the_same_samples(served, monkeypatch):
    client = replace(served.engine._client, sends_token_ids=False)
    monkeypatch.setattr(served.engine, "_client", client)
    assert content(drawn(served.engine, requests_for(N))) == content(served.base)


def test_tokens_are_reported_as_they_are_drawn(served):
    counts, samples = [], []
    served.engine.generate(requests_for(5), sampling=WARM, on_sample=samples.append, on_tokens=counts.append)
    assert sum(counts) == sum(sample.completion_tokens for sample in samples)
    assert len(counts) > 10


def test_greedy_answers_are_those_of_the_reference_engine(served, engine, demo):
    """With and without the adapter, whole and cut at the function's end; `engine` is transformers on the same base."""
    assert isinstance(engine, TransformersEngine)
    whole = replace(GREEDY, stop_at_function=False)
    for sampling in (GREEDY, whole):
        expected = drawn(engine, requests_for(1), sampling)
        found = drawn(served.engine, requests_for(2), sampling)
        assert len({one.completion for one in found.values()}) == len(expected)
        for key, sample in expected.items():
            assert found[key].completion == sample.completion
            assert found[key].completion_tokens == sample.completion_tokens
            assert found[key].finish_reason == sample.finish_reason
    adapter = resolve_model(str(demo.adapter))
    with engine.adapter(adapter), served.engine.adapter(adapter):
        expected = drawn(engine, requests_for(1), GREEDY)
        found = drawn(served.engine, requests_for(1), GREEDY)
    assert {key: one.completion for key, one in found.items()} == {
        key: one.completion for key, one in expected.items()
    }
    assert {one.model for one in found.values()} == {str(demo.adapter)}


def test_base_and_adapter_are_both_right_at_the_same_time(served, demo):
    engine = served.engine
    questions = [engine._question(request, WARM) for request in requests_for(N)]
    with engine.adapter(resolve_model(str(demo.adapter))) as difference:
        assert difference > 0.1
        alone = {key: one.completion for key, one in drawn(engine, requests_for(N)).items()}
        both = [engine._client, replace(engine._client, model="base")]
        found = [{}, {}]

        def keep(answers):
            return lambda one: answers.update(
                {(one.question.request.task_id, one.question.request.completion_id): one.answer.completion}
            )

        async def together():
            await asyncio.gather(
                *(
                    client.draw(questions, sampling=WARM, on_drawn=keep(answers), on_tokens=lambda _: None)
                    for client, answers in zip(both, found, strict=True)
                )
            )

        asyncio.run(together())
    base = {key: one.completion for key, one in served.base.items()}
    assert alone != base
    assert found == [alone, base]
    assert content(drawn(engine, requests_for(N))) == content(served.base)


def changed(demo, target, change, **settings):
    """Copy the adapter, with `change` applied to each of its matrices by name and some settings of its own."""
    shutil.copytree(demo.adapter, target)
    weights = load_file(target / "adapter_model.safetensors")
    save_file(
        {name: change(name, weight).contiguous() for name, weight in weights.items()},
        target / "adapter_model.safetensors",
    )
    path = target / "adapter_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **settings}))
    return resolve_model(str(target))


def test_an_adapter_that_changes_nothing_is_refused(served, demo, tmp_path):
    untrained = changed(demo, tmp_path / "untrained", lambda name, w: w * 0 if ".lora_B." in name else w)
    with pytest.raises(InputError, match="changes nothing"), served.engine.adapter(untrained):
        pass
    assert drawn(served.engine, requests_for(1))["HumanEval/60", 0].model == str(demo.base)


def test_an_adapter_of_too_high_a_rank_is_refused(served, demo, tmp_path):
    wide = changed(
        demo, tmp_path / "wide", lambda n, w: w.repeat(4, 1) if ".lora_A." in n else w.repeat(1, 4), r=64
    )
    with (
        pytest.raises(InputError, match="has rank 64, the server was started for 16"),
        served.engine.adapter(wide),
    ):
        pass


def test_an_adapter_that_the_server_cannot_read_is_refused(served, demo, tmp_path):
    damaged = changed(demo, tmp_path / "damaged", lambda _, w: w)
    (tmp_path / "damaged" / "adapter_model.safetensors").write_bytes(b"x" * 100)
    with pytest.raises(InputError, match="vLLM cannot load the adapter"), served.engine.adapter(damaged):
        pass
    assert content(drawn(served.engine, requests_for(N))) == content(served.base)


def test_an_adapter_for_which_no_place_is_left_has_the_server_started_again(
    served, demo, monkeypatch, tmp_path
):
    """The last place must stay empty; here a server without use of it stands for one started again."""
    engine, starts = served.engine, []
    monkeypatch.setitem(engine.facts, "max_loras", len(engine._loaded) + 1)
    monkeypatch.setattr(engine, "_start_again", starts.append)
    with engine.adapter(resolve_model(str(demo.adapter))):
        assert starts == []  # is there already
    copy = changed(demo, tmp_path / "copy", lambda _, w: w)
    with engine.adapter(copy) as difference:
        assert len(starts) == 1
        assert difference > 0


def test_a_prompt_longer_than_the_context_is_named_before_anything_is_drawn(served, monkeypatch):
    monkeypatch.setitem(served.engine.facts, "max_model_len", 60)
    samples = []
    with pytest.raises(InputError, match=r"HumanEval/\d+: its prompt has \d+ tokens"):
        served.engine.generate(requests_for(1), sampling=WARM, on_sample=samples.append)
    assert samples == []


def test_an_answer_stops_at_its_limit_and_at_the_end_of_the_context(served):
    found = drawn(served.engine, requests_for(3), Sampling(max_new_tokens=4))
    assert {(one.finish_reason, one.completion_tokens) for one in found.values()} == {("length", 4)}
    long = replace(WARM, max_new_tokens=10_000, stop_at_function=False)
    for one in drawn(served.engine, requests_for(N), long).values():
        assert one.prompt_tokens + one.completion_tokens <= CONTEXT


def test_what_the_caller_raises_ends_the_run_and_the_engine_goes_on(served):
    def full(sample):
        raise InputError("the disk is full")

    with pytest.raises(InputError, match="the disk is full"):
        served.engine.generate(requests_for(N), sampling=WARM, on_sample=full)
    assert content(drawn(served.engine, requests_for(N))) == content(served.base)


def test_a_model_that_vllm_does_not_find(tmp_path):
    environment = vllm_process_environment(VLLM_CPU_KVCACHE_SPACE="1")
    plan = ServerPlan(
        model="no/such-model",
        arguments=(),
        python=vllm_python(),
        log=tmp_path / "log",
        environment=environment,
    )
    with pytest.raises(InputError, match=r"cannot serve this model .*; see .*/log") as caught:
        VllmServer(plan).start()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (EngineOptions(device="cpu", load_in_4bit=True), "--load-in-4bit: not with --engine vllm-server"),
        (EngineOptions(device="cpu", context=5000), "--context 5000"),
        (EngineOptions(device="cpu", gpu_memory_utilization=1.5), "--gpu-memory-utilization"),
    ],
)
def test_what_cannot_be_done_is_refused_before_anything_is_started(demo, options, message):
    with pytest.raises(InputError, match=message):
        VllmServerEngine.load(resolve_model(str(demo.base)), options=options)
    with pytest.raises(InputError, match="is an adapter, not a base model"):
        VllmServerEngine.load(resolve_model(str(demo.adapter)), options=EngineOptions(device="cpu"))


def test_a_server_killed_in_the_middle_is_started_again_and_nothing_is_lost_or_twice(served, demo):
    """The last test: it kills the engine's process under the adapter, which must be loaded again."""
    engine = served.engine
    with engine.adapter(resolve_model(str(demo.adapter))):
        undisturbed = drawn(engine, requests_for(N))
        first, starts = members(engine._server.pid), engine.facts["restarts"]
        samples = []

        def keep(sample):
            samples.append(sample)
            if len(samples) == N:
                core = next(p for p in first if "EngineCore" in " ".join(p.cmdline()))
                core.send_signal(signal.SIGKILL)

        engine.generate(requests_for(N), sampling=WARM, on_sample=keep)
    assert len(samples) == len(undisturbed)
    assert content({(one.task_id, one.completion_id): one for one in samples}) == content(undisturbed)
    assert engine.facts["restarts"] == starts + 1
    assert any("started again" in line for line in served.said)
    assert not any(process.is_running() for process in first)
    assert content(drawn(engine, requests_for(N))) == content(served.base)
