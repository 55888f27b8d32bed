"""Real models on disk, tiny: built once for all tests of generation, in seconds."""

from dataclasses import dataclass
from pathlib import Path

import pytest
from generating import PROBLEMS, RECIPE

from rusteval.generation.checkpoints import resolve_model
from rusteval.generation.demo_models import build_demo_models
from rusteval.generation.demo_recipe import ADAPTER, BASE
from rusteval.generation.engine import EngineOptions
from rusteval.generation.transformers.engine import TransformersEngine


@dataclass(frozen=True)
class Demo:
    """Where the built models are."""

    folder: Path

    @property
    def base(self) -> Path:
        return self.folder / BASE

    @property
    def adapter(self) -> Path:
        return self.folder / ADAPTER


@pytest.fixture(scope="session")
def demo(tmp_path_factory) -> Demo:
    """A base and an adapter that learnt four tasks."""
    folder = tmp_path_factory.mktemp("models") / "demo"
    assert build_demo_models(PROBLEMS, folder, recipe=RECIPE)
    return Demo(folder)


@pytest.fixture
def engine(demo):
    """The base model, loaded on the processor."""
    return TransformersEngine.load(
        resolve_model(str(demo.base)), options=EngineOptions(device="cpu", batch_size=8)
    )
