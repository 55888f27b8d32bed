"""Parts that the whole test run shares."""

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from docker_engine import BASE_IMAGE, EngineError, private_engine
from judging_support import back_end
from rusteval.judging.sandbox.docker_engine import BASE_IMAGE_VARIABLE


def pytest_configure() -> None:
    """Let the commands that tests start be interrupted; what runs in the background of a shell inherits that it is not."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def docker_engine() -> Iterator[str]:
    """Yield the address of a Docker engine of the tests' own; afterwards `back_end("docker")` uses it as well."""
    with ExitStack() as stack:
        try:
            host = stack.enter_context(private_engine())
        except EngineError as error:
            if os.environ.get("CI"):
                pytest.fail(f"Docker: {error}")
            pytest.skip(f"Docker: {error}")
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("DOCKER_HOST", host)
            patch.setenv(BASE_IMAGE_VARIABLE, BASE_IMAGE)
            back_end("docker")  # builds the images of Dockerfile.eval
        yield host
