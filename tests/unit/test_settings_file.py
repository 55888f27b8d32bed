"""Settings in YAML: every mistake is told at once, each with its line."""

from contextlib import suppress
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field

from rusteval.errors import InputError
from rusteval.settings_file import SettingsError, read_settings_file


class Item(BaseModel):
    model_config = ConfigDict(extra="forbid")
    model: str
    provider: Literal["openai", "google"]
    n: int = Field(1, ge=1)


class Settings(BaseModel):
    model_config = ConfigDict(extra="forbid")
    api: list[Item] = []
    budget: float | None = None
    tools: list[Literal["build", "test"]] = []


def read(tmp_path: Path, text: str) -> Settings:
    path = tmp_path / "run.yaml"
    path.write_text(text, encoding="utf-8")
    return read_settings_file(path).check(Settings)


def mistakes(tmp_path: Path, text: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        read(tmp_path, text)
    prefix = f"{tmp_path / 'run.yaml'}:"
    lines = str(caught.value).split("\n")
    assert all(line.startswith(prefix) for line in lines)
    return [line.removeprefix(prefix) for line in lines]


def test_values_of_all_kinds_arrive(tmp_path: Path) -> None:
    text = "api:\n  - {model: a/b, provider: openai, n: 3}\nbudget: 2.5\ntools: [build]\n"
    found = read(tmp_path, text)
    assert found == Settings(api=[Item(model="a/b", provider="openai", n=3)], budget=2.5, tools=["build"])


def test_an_empty_file_is_all_defaults(tmp_path: Path) -> None:
    assert read(tmp_path, "# nothing\n") == Settings()


def test_all_mistakes_are_told_with_their_lines(tmp_path: Path) -> None:
    text = (
        "api:\n"
        "  - model: gpt\n"
        "    provider: opnai\n"
        "    n: 0\n"
        "  - provdier: google\n"
        "    model: x\n"
        "budget: many\n"
        "budget: 3\n"
        "tools: [build, fly]\n"
        "bugdet: 3\n"
    )
    assert mistakes(tmp_path, text) == [
        "3: api[0].provider: must be 'openai' or 'google', not 'opnai'",
        "4: api[0].n: must be greater than or equal to 1, not 0",
        "5: api[1].provdier: there is no such setting; did you mean provider?",
        "5: api[1].provider: is missing",
        "7: budget: must be a valid number, unable to parse string as a number, not 'many'",
        "8: budget: is there twice, first in line 7",
        "9: tools[1]: must be 'build' or 'test', not 'fly'",
        "10: bugdet: there is no such setting; did you mean budget?",
    ]


def test_a_mapping_may_take_up_another_and_change_it(tmp_path: Path) -> None:
    text = "api:\n  - &first\n    model: a\n    provider: openai\n    n: 4\n  - <<: *first\n    model: b\n"
    assert [(item.model, item.n) for item in read(tmp_path, text).api] == [("a", 4), ("b", 4)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("api: [1", "is not YAML"),
        ("- 1\n- 2\n", "must be a mapping of settings"),
        ("just words", "must be a mapping of settings"),
        ("api: &a [*a]", "an alias in it refers to itself"),
        ("api:\n\t- 1\n", "is not YAML"),
        ("? [a, b]\n: 1\n", "must be a plain word"),
        ("budget: !!python/object:os.system 1\n", "is not YAML"),
    ],
)
def test_what_is_no_settings_file(tmp_path: Path, text: str, expected: str) -> None:
    assert any(expected in line for line in mistakes(tmp_path, text))


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no\.yaml: cannot be read: No such file"):
        read_settings_file(tmp_path / "no.yaml")
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="not UTF-8"):
        read_settings_file(tmp_path / "binary.yaml")


@given(st.text(alphabet="abpgudet: -[]{}&*#'\"\n!|>?,%@`0", max_size=60))
def test_no_text_leads_to_another_error(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_text(text, encoding="utf-8")
    with suppress(SettingsError):
        read_settings_file(path).check(Settings)
