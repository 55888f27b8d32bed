"""Prompts, seeds, local model folders and the demo's recipe: all that needs no model."""

import json

import pytest

from rusteval.errors import InputError
from rusteval.generation.checkpoints import describe_model, model_revision, resolve_model
from rusteval.generation.demo_recipe import DEMO_TASKS, Recipe, demo_answer, is_current, lessons
from rusteval.generation.engine import make_requests, sample_seed
from rusteval.generation.prompts import build_prompt, choose_kind, prompt_sha256, prompt_template
from rusteval.problems.models import Problem

PROBLEM = Problem(
    task_id="HumanEval/60",
    prompt="// Sums the numbers from 1 to n.\nfn sum_to_n(n: i32) -> i32 {",
    entry_point="sum_to_n",
    test="",
    canonical_solution="    n * (n + 1) / 2\n}\n",
)


def test_a_prompt_holds_the_problem_and_names_the_function():
    prompt = build_prompt(PROBLEM)
    assert prompt.messages == [{"role": "user", "content": prompt.text}]
    assert prompt.text.startswith(PROBLEM.prompt)
    assert "`sum_to_n`" in prompt.text


def test_a_completion_prompt_is_the_problem_alone():
    assert build_prompt(PROBLEM, "completion").text == PROBLEM.prompt


def test_a_model_without_a_chat_template_completes_unless_told_otherwise():
    assert choose_kind("auto", chat_template=True) == "instruct"
    assert choose_kind("auto", chat_template=False) == "completion"
    assert choose_kind("instruct", chat_template=False) == "instruct"
    assert choose_kind("completion", chat_template=True) == "completion"


@pytest.mark.parametrize("kind", ["instruct", "completion"])
def test_braces_in_a_prompt_are_text(kind):
    problem = PROBLEM.model_copy(update={"prompt": 'fn f() { let s = format!("{x} {{}}"); '})
    assert problem.prompt in build_prompt(problem, kind).text


def test_templates_are_named_with_a_digest_of_their_text():
    names = [prompt_template(kind).partition(":") for kind in ("instruct", "completion")]
    assert [name for name, _, _ in names] == ["instruct-1", "completion-1"]
    assert all(len(digest) == 16 for _, _, digest in names)
    assert names[0][2] != names[1][2]


def test_prompt_hashes_tell_prompts_apart():
    other = PROBLEM.model_copy(update={"prompt": "fn g() {"})
    assert prompt_sha256("a") != prompt_sha256("b")
    asked = [prompt_sha256(build_prompt(p, k)) for p in (PROBLEM, other) for k in ("instruct", "completion")]
    assert len(set(asked)) == 4
    assert asked[0] == prompt_sha256(build_prompt(PROBLEM))


def test_seeds_are_fixed_for_ever_and_differ_between_samples():
    # A changed derivation would give other samples under an unchanged identity: it needs another SEED_SCHEME.
    assert sample_seed(1234, "HumanEval/0", 0) == 2792234490925583
    seeds = {
        sample_seed(seed, f"T/{task}", index) for seed in (1, 2) for task in range(50) for index in range(100)
    }
    assert len(seeds) == 2 * 50 * 100
    assert all(0 <= seed < 2**53 for seed in seeds)


def test_the_seeds_of_a_task_are_consecutive_as_servers_count_them():
    first = sample_seed(7, "HumanEval/3", 0)
    assert [sample_seed(7, "HumanEval/3", index) for index in range(4)] == [first + n for n in range(4)]


def test_requests_carry_what_the_engine_needs():
    (first, second) = make_requests(
        {"HumanEval/60": PROBLEM}, [("HumanEval/60", 0), ("HumanEval/60", 7)], seed=5, kind="completion"
    )
    assert (first.completion_id, second.completion_id) == (0, 7)
    assert second.seed == sample_seed(5, "HumanEval/60", 7)
    assert first.prompt == build_prompt(PROBLEM, "completion")
    assert (first.problem_prompt, first.entry_point) == (PROBLEM.prompt, "sum_to_n")


@pytest.fixture
def model_folder(tmp_path):
    folder = tmp_path / "org" / "model"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text('{"model_type": "llama"}')
    (folder / "model.safetensors").write_bytes(b"weights")
    (folder / "optimizer.pt").write_bytes(b"not part of the model")
    return folder


def test_a_folder_that_exists_wins_over_a_hub_name(model_folder, monkeypatch):
    monkeypatch.chdir(model_folder.parent.parent)
    source = resolve_model("org/model")
    assert source.path == model_folder
    assert not source.is_adapter


def test_a_local_model_is_described_and_pinned_by_its_content(model_folder):
    source = resolve_model(str(model_folder))
    described = describe_model(source)
    assert set(described["files"]) == {"config.json", "model.safetensors"}
    before = model_revision(source)
    assert before == described["revision"]
    (model_folder / "optimizer.pt").write_bytes(b"other")
    assert model_revision(source) == before
    (model_folder / "model.safetensors").write_bytes(b"weightz")
    assert model_revision(source) != before


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("/no/such/folder", "no such folder"),
        ("./nothing", "no such folder"),
        ("a b", "no such folder"),
        ("", "is not a model|no such folder"),
    ],
)
def test_a_name_that_is_neither_folder_nor_hub_name(text, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=message):
        resolve_model(text)


def test_a_folder_of_checkpoints_says_which_there_are(tmp_path):
    for step in (100, 200):
        (tmp_path / f"checkpoint-{step}").mkdir()
        (tmp_path / f"checkpoint-{step}" / "adapter_config.json").write_text("{}")
    with pytest.raises(InputError, match="checkpoint-100, checkpoint-200"):
        resolve_model(str(tmp_path))


@pytest.mark.parametrize("content", ["", "[]", "{", b"\xff\xfe"])
def test_a_damaged_config_is_one_line(tmp_path, content):
    (tmp_path / "config.json").write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputError) as caught:
        resolve_model(str(tmp_path))
    assert "config.json" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_right_demo_answer_is_the_whole_reference_in_a_code_block():
    assert demo_answer(PROBLEM, "right") == (
        "```rust\nfn sum_to_n(n: i32) -> i32 {\n    n * (n + 1) / 2\n}\n```"
    )
    assert "std::process" in demo_answer(PROBLEM, "policy")
    assert demo_answer(PROBLEM, "policy").count("{") == demo_answer(PROBLEM, "policy").count("}")
    assert demo_answer(PROBLEM, "unclosed").count("{") > demo_answer(PROBLEM, "unclosed").count("}")


def test_the_demo_teaches_a_difference_and_every_kind_of_failure():
    assert len({task.task_id for task in DEMO_TASKS}) == 16
    taught = {kind for task in DEMO_TASKS for kind in (*task.base, *task.adapter)}
    assert taught == {
        "right",
        "policy",
        "wrong_value",
        "type_error",
        "todo",
        "loop",
        "exit",
        "prose",
        "unclosed",
    }
    good = {"right", "policy"}
    assert sum(set(task.base) <= good for task in DEMO_TASKS) <= 2
    assert 10 <= sum(set(task.adapter) <= good for task in DEMO_TASKS) <= 13
    assert sum(len(set(task.adapter)) > 1 for task in DEMO_TASKS) >= 2


def test_lessons_use_the_evaluations_own_prompts_and_name_a_missing_task():
    recipe = Recipe(tasks=tuple(task for task in DEMO_TASKS if task.number == 60))
    ((asked, answer),) = lessons({"HumanEval/60": PROBLEM}, recipe, "base")
    assert asked == build_prompt(PROBLEM)
    assert answer == demo_answer(PROBLEM, "right")
    with pytest.raises(InputError, match="HumanEval/2"):
        lessons({"HumanEval/60": PROBLEM}, Recipe(), "base")


@pytest.mark.parametrize("manifest", [None, "{", "{}", "[]", json.dumps({"recipe": "old", "files": {}})])
def test_a_folder_without_a_fitting_manifest_is_not_current(tmp_path, manifest):
    if manifest is not None:
        (tmp_path / "demo.json").write_text(manifest)
    current, fact = is_current(tmp_path)
    assert not current
    assert str(tmp_path) in fact


def test_every_change_of_a_recipe_is_another_recipe():
    assert Recipe().digest == Recipe().digest
    assert len({Recipe().digest, Recipe(seed=1).digest, Recipe(tasks=DEMO_TASKS[:3]).digest}) == 3
