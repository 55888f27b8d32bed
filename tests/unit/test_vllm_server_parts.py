"""Parts of the vLLM server engine that need no server: groups, pieces of answers, options, scores, reasons of an end."""

from pathlib import Path

import pytest

from rusteval.errors import InfrastructureError, InputError
from rusteval.generation.answers import AnswerReader
from rusteval.generation.engine import Request, Sampling
from rusteval.generation.prompts import Prompt
from rusteval.generation.vllm.proof import score_change
from rusteval.generation.vllm.server_client import Drawn, Question, groups_of, token_ids_of
from rusteval.generation.vllm.server_engine import server_options
from rusteval.generation.vllm.server_log import explain_end, last_line

pytestmark = pytest.mark.models

LOG = Path("/logs/vllm-server.log")


def question(seed, *, task="HumanEval/1", prompt=(1, 2), limit=9):
    request = Request(
        task_id=task,
        completion_id=seed,
        prompt=Prompt(kind="completion", text="fn f() {"),
        seed=seed,
        problem_prompt="fn f() {\n",
        entry_point="f",
    )
    return Question(request=request, prompt=prompt, prompt_sha256="", limit=limit)


def seeds(groups):
    return [[one.request.seed for one in group] for group in groups]


def test_questions_of_consecutive_seeds_go_together():
    questions = [question(seed) for seed in (10, 11, 12, 13, 14, 20, 21, 30, 29)]
    assert seeds(groups_of(questions, size=4)) == [[10, 11, 12, 13], [14], [20, 21], [30], [29]]
    assert seeds(groups_of(questions, size=1)) == [[one.request.seed] for one in questions]


@pytest.mark.parametrize(
    "other", [question(2, task="HumanEval/2"), question(2, prompt=(1, 3)), question(2, limit=8)]
)
def test_questions_of_another_task_prompt_or_limit_do_not(other):
    assert seeds(groups_of([question(1), other], size=8)) == [[1], [2]]
    assert groups_of([], size=8) == []


@pytest.mark.parametrize(
    ("choice", "tokens"),
    [
        ({"token_ids": [5, 6], "logprobs": None}, [5, 6]),
        ({"token_ids": None, "logprobs": {"tokens": ["token_id:7"]}}, [7]),
        ({"logprobs": {"tokens": ["token_id:8", "token_id:9"]}}, [8, 9]),
        ({"text": "", "logprobs": None}, []),
    ],
)
def test_token_numbers_are_read_in_every_form(choice, tokens):
    assert token_ids_of(choice) == tokens


class Letters:
    """A tokenizer whose tokens are characters."""

    def decode(self, tokens, **_options):
        return "".join(map(chr, tokens))


@pytest.mark.parametrize("step", [1, 2, 5, 100])
def test_an_answer_ends_at_the_same_token_whatever_pieces_it_comes_in(step):
    reader = AnswerReader(Letters(), end_tokens=frozenset({0}))
    answer = reader.begin(question(1).request, sampling=Sampling(), limit=100)
    drawn = Drawn(question=question(1), answer=answer)
    tokens = [ord(character) for character in "    1 + 1;\n}\n\nfn main() { f(); }\n"]
    taken = sum(drawn.take(tokens[start : start + step]) for start in range(0, len(tokens), step))
    assert answer.completion == "    1 + 1;\n}"
    assert (answer.finish_reason, len(answer.tokens), taken) == ("function_closed", 12, 12)


def test_engine_arguments_become_options():
    arguments = {
        "model": "x",
        "revision": None,
        "max_model_len": 512,
        "gpu_memory_utilization": 0.8,
        "enable_lora": True,
        "enable_chunked_prefill": False,
        "trust_remote_code": False,
    }
    options = server_options(arguments)
    assert options[:4] == ("--max-model-len", "512", "--gpu-memory-utilization", "0.8")
    assert options[4:6] == ("--enable-lora", "--no-enable-chunked-prefill")
    assert not {"--model", "--revision", "None", "--trust-remote-code"} & set(options)


def test_scores_are_compared_where_both_are_known_and_bounded_where_not():
    assert score_change({"a": -1.0, "b": -2.0}, {"a": -1.0, "b": -2.0}) == 0
    assert score_change({"a": -1.0, "b": -2.0}, {"a": -1.5, "b": -2.0}) == 0.5
    assert score_change({"a": -1.0, "b": -2.0}, {"c": -0.5, "d": -3.0}) == 2.0


# What vLLM 0.10.0 and 0.32.0 say, shortened
FAILURES = {
    "gpu": (
        "(EngineCore_0 pid=12) torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB.\n"
        "RuntimeError: Engine core initialization failed. See root cause above. Failed core proc(s): {}\n",
        InfrastructureError,
        "GPU's memory does not suffice: 'torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB.'",
    ),
    "context": (
        "ERROR 11-21 06:09:02 [core.py:632] ValueError: To serve at least one request with the models's max seq "
        "len (131072), (16.00 GiB KV cache is needed, which is larger than the available KV cache memory (3.2 GiB).\n"
        "RuntimeError: Engine core initialization failed. See root cause above.\n",
        InfrastructureError,
        r"context does not fit into memory: .ValueError: To serve at least one .*give a smaller --context",
    ),
    "machine": ("    from torch.overrides import (\nMemoryError\n", InfrastructureError, "machine's memory"),
    "port": (
        "OSError: [Errno 98] Address already in use\n",
        InputError,
        "its port was taken by another program",
    ),
    "option": (
        "usage: api_server.py\n  [model_tag]\napi_server.py: error: unrecognized arguments: --no-such-option\n",
        InputError,
        "refuses an option: 'api_server.py: error: unrecognized arguments: --no-such-option'",
    ),
    "type": (
        "(APIServer pid=8619) ERROR 11-21 06:17:53 [repo_utils.py:126] Error parsing config for /m: The checkpoint\n"
        "pydantic_core._pydantic_core.ValidationError: 1 validation error for ModelConfig\n"
        "  Value error, The checkpoint has model type `nosuch` [type=value_error, input_value=ArgsKwargs()]\n"
        "    For further information visit https://errors.pydantic.dev/2.14/v/value_error\n",
        InputError,
        r"cannot serve this model .*ModelConfig Value error, The checkpoint has model type `nosuch`'",
    ),
    "engine": (
        "(APIServer pid=3) WARNING 11-21 06:52:50 [core_client.py:8] [shutdown] MPClient: engine core exited "
        "unexpectedly; starting cleanup\n"
        "vllm.v1.engine.exceptions.EngineDeadError: EngineCore encountered an issue. See stack trace (above).\n",
        InfrastructureError,
        r"one of its processes was ended, .*: '\[shutdown\] MPClient: engine core exited unexpectedly",
    ),
    "killed": ("INFO: all is well\n", InfrastructureError, "was killed, as the system does .*all is well"),
    "other": (
        "(APIServer pid=1) INFO 11-21 06:17:53 [x.py:1] working\nKeyError: 'x'\nRuntimeError: then this\n",
        InfrastructureError,
        "ended with status 1: \"KeyError: 'x'\"",
    ),
}


@pytest.mark.parametrize("case", FAILURES)
def test_the_log_tells_why_a_server_ended_in_one_line(case):
    text, kind, message = FAILURES[case]
    error = explain_end(text, code=137 if case == "killed" else 1, log=LOG)
    with pytest.raises(kind, match=message):
        raise error
    assert str(LOG) in str(error)
    assert "\n" not in str(error)


def test_a_silent_or_living_server_is_told_of_too():
    assert "ended with status 2: 'nothing written'" in str(explain_end("\n", code=2, log=LOG))
    assert "does not answer any more: 'working'" in str(explain_end("working\n", code=None, log=LOG))


def test_the_last_line_is_shown_without_what_stands_before_its_message(tmp_path):
    log = tmp_path / "log"
    log.write_text("first\n(EngineCore pid=54) INFO 11-21 06:09:01 [load.py:3] Loading weights\n\n")
    assert last_line(log) == "Loading weights"
    log.write_text("x" * 20_000)
    assert 0 < len(last_line(log)) <= 300
    log.write_text("\n")
    assert last_line(log) == "nothing written yet"
