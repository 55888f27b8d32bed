"""The settings of a run over many models."""

from pathlib import Path

import pytest

from rusteval.errors import InputError
from rusteval.pipeline.many_models.ledger import BudgetUsedUpError, Ledger, cost_usd
from rusteval.pipeline.many_models.selection import select_models
from rusteval.pipeline.many_models.settings import Price, RunSettings, normalised, read_settings
from rusteval.settings_file import SettingsError

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "multi_model_eval_config.yaml"


def read(tmp_path, text):
    path = tmp_path / "run.yaml"
    path.write_text(text)
    return read_settings(path)


def complaints(tmp_path, text):
    with pytest.raises(SettingsError) as caught:
        read(tmp_path, text)
    return [f"{found.line}: {found.text}" for found in caught.value.findings]


def test_the_example_is_valid():
    run = read_settings(EXAMPLE)
    assert [one.name for one in select_models(run, None)] == [
        "claude-3-5-sonnet-20241022",
        "gpt-4o",
        "qwen-qwen2.5-coder-7b-instruct",
    ]


def test_every_setting_of_the_documentation_is_known():
    page = (ROOT / "docs" / "many-models.md").read_text()
    for section in ("models.api", "models.vllm", "models.transformers", "generation_params", "evaluation"):
        assert f"`{section}`" in page
    for name in RunSettings.model_fields:
        assert name in page, name


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("Qwen/Qwen2.5-Coder-7B_Instruct", "qwen-qwen2.5-coder-7b-instruct"),
        ("gpt-4o", "gpt-4o"),
        ("../../etc/x", "etc-x"),
        ("a b:c", "a-b-c"),
        ("///", "model"),
    ],
)
def test_a_model_s_folder_is_its_id_made_harmless(model, name):
    assert normalised(model) == name


def test_a_model_may_be_drawn_from_otherwise_than_the_rest(tmp_path):
    run = read(
        tmp_path,
        "models:\n"
        "  api: [{model: a, provider: openai, temperature: 0.0, num_samples: 5}]\n"
        "  vllm: [{model: b, tensor_parallel_size: 2}]\n"
        "  transformers:\n"
        "generation_params: {temperature: 0.7, seed: 9}\n"
        "server: {port: 9000, runtime: {gpu_memory_utilization: 0.5, tensor_parallel_size: 4}}\n",
    )
    a, b = select_models(run, None)
    assert (a.config.temperature, a.config.num_samples, a.config.seed) == (0.0, 5, 9)
    assert (b.config.temperature, b.config.num_samples) == (0.7, 1)
    assert (b.config.engine, b.config.port, b.config.tensor_parallel_size) == ("vllm-server", 9000, 2)
    assert b.config.gpu_memory_utilization == 0.5
    assert [one.way for one in (a, b)] == ["openai", "vllm"]


def test_mistakes_between_settings_are_told_with_their_lines(tmp_path):
    text = (
        "models:\n"
        "  api:\n"
        "    - {model: Org/a_1, provider: openai}\n"
        "    - model: org-a-1\n"
        "      provider: openai\n"
        "      price: {input: 1, output: 2}\n"
        "    - {model: comparison_charts, provider: mine.module:Klass, price: {input: 0, output: 0}}\n"
        "budget_usd: 3\n"
    )
    assert complaints(tmp_path, text) == [
        "3: Org/a_1: budget_usd needs a price for every model behind an API",
        "4: org-a-1: would go to the folder org-a-1, as Org/a_1; give it a name",
        "7: comparison_charts: its folder would be that of the charts; give it a name",
    ]
    assert complaints(tmp_path, "models: {}\n") == ["1: models: name at least one"]
    assert complaints(tmp_path, "output: {base_dir: x}\n") == ["1: models: is missing"]


def test_models_are_chosen_by_id_or_by_name(tmp_path):
    run = read(tmp_path, "models: {replay: [{model: A/b, file: x}, {model: c, file: y, name: other}]}\n")
    assert [one.name for one in select_models(run, ["A/b"])] == ["a-b"]
    assert [one.name for one in select_models(run, ["other", "a-b"])] == ["a-b", "other"]
    with pytest.raises(InputError, match="--models nobody: not in the settings, which have a-b, other"):
        select_models(run, ["nobody"])


def test_costs_are_counted_over_runs_and_a_torn_record_is_passed_over(tmp_path):
    price = Price(input=2, output=10)
    assert cost_usd(price, prompt=1_000_000, completion=500_000) == 7
    assert cost_usd(price, prompt=None, completion=5) is None
    assert cost_usd(None, prompt=1, completion=1) is None
    path = tmp_path / "api_calls.jsonl"
    path.write_text('{"cost_usd": 1.5}\n{"cost_usd": null}\n{"cost_u')
    ledger = Ledger(2.0)
    ledger.recall(path)
    assert ledger.spent_usd == 1.5
    assert path.read_text().endswith("null}\n")
    ledger.require_room()
    ledger.spent_usd += 1
    with pytest.raises(BudgetUsedUpError, match="raise budget_usd"):
        ledger.require_room()
