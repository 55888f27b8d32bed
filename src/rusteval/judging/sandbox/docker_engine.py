"""Ask the Docker engine: is it there, does it hold the sandbox's images, what did killed harnesses leave in it."""

import os
import shutil
import subprocess
import sys
from collections import deque
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Literal

import psutil

from rusteval.errors import SandboxUnavailableError
from rusteval.files import sha256_text

Part = Literal["run", "compile"]
PARTS: tuple[Part, ...] = ("run", "compile")

BASE_IMAGE_VARIABLE = "RUSTEVAL_BASE_IMAGE"
OWNER_LABEL = "org.rusteval.owner"
FACTS = "{{.ServerVersion}} {{.MemoryLimit}} {{.PidsLimit}} {{json .SecurityOptions}}"
COMMAND_TIMEOUT_S = 60.0


@dataclass(frozen=True, kw_only=True)
class EngineFacts:
    """What an engine says of itself; `bounds_trees` is whether it can limit memory and processes of a container."""

    version: str
    bounds_trees: bool


class DockerEngine:
    """The client program and the engine behind it.

    The client sees `HOME` and `DOCKER_*` of the environment, so that the engine chosen there is used.
    """

    def __init__(self) -> None:
        """Find the client; raises SandboxUnavailableError."""
        program = shutil.which("docker")
        if program is None:
            raise SandboxUnavailableError("docker: no `docker` on PATH; install the package docker.io")
        self.program = program
        kept = {
            name: value for name, value in os.environ.items() if name.startswith("DOCKER_") or name == "HOME"
        }
        self.environment = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LANG": "C.UTF-8", **kept}
        self._dockerfile = (
            resources.files("rusteval.judging.sandbox").joinpath("Dockerfile.eval").read_text("utf-8")
        )
        self._base_image = os.environ.get(BASE_IMAGE_VARIABLE, "")

    def facts(self, *, patience_s: float) -> EngineFacts:
        """Ask the engine for its facts; raises SandboxUnavailableError where none answers within `patience_s`."""
        try:
            done = self.run("info", "--format", FACTS, timeout_s=patience_s)
        except subprocess.TimeoutExpired as error:
            raise SandboxUnavailableError(
                f"docker: the engine does not answer within {patience_s:g} s; restart it"
            ) from error
        words = done.stdout.strip().split(" ", 3)
        if done.returncode != 0 or len(words) != len(FACTS.split(" ")) - 1 or not words[0]:
            raise SandboxUnavailableError(f"docker: {_engine_trouble(done.stderr)}")
        version, memory, processes, security = words
        if "name=rootless" in security or "name=userns" in security:
            raise SandboxUnavailableError(
                "docker: this engine maps users to others (rootless, userns-remap), who cannot write to the judge's "
                "directories; use the system's engine without that"
            )
        return EngineFacts(version=version, bounds_trees=(memory, processes) == ("true", "true"))

    def image(self, part: Part) -> str:
        """Return the name of one of the two images; it changes with all that the image is made of."""
        return f"rusteval-sandbox:{part}-{sha256_text(self._dockerfile + self._base_image)[:16]}"

    def image_id(self, part: Part) -> str | None:
        """Return the identity of an image in the engine, None if it is not there."""
        done = self.run("image", "inspect", "--format", "{{.Id}}", self.image(part))
        return done.stdout.strip() if done.returncode == 0 else None

    def build(self, part: Part) -> None:
        """Build an image, with the builder's own progress on standard error; raises SandboxUnavailableError."""
        sys.stderr.write(f"docker: building {self.image(part)} (only once)\n")
        sys.stderr.flush()
        # the network of the machine, since the engine's own may be switched off; only the linker is installed with it
        options = ["--network=host", "--target", part, "--tag", self.image(part)]
        options += [f"--build-arg=BASE_IMAGE={self._base_image}"] if self._base_image else []
        last: deque[str] = deque(maxlen=1)
        with subprocess.Popen(
            [self.program, "build", *options, "-"],
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as process:
            if process.stdin is None or process.stdout is None:
                raise AssertionError("started with pipes")
            process.stdin.write(self._dockerfile)
            process.stdin.close()
            for line in process.stdout:
                sys.stderr.write(line)
                last.extend([line.strip()] if line.strip() else [])
        if process.returncode != 0:
            raise SandboxUnavailableError(
                f"docker: {self.image(part)} cannot be built from {self._base_image or 'its default base image'} "
                f"({''.join(last)}); check the network, or set "
                f"{BASE_IMAGE_VARIABLE} to an image that holds gcc and the C library's development files"
            )

    def owner_label(self) -> str:
        """Return the label by which a later harness knows whose container one is."""
        return f"{OWNER_LABEL}={_process_identity(os.getpid())}"

    def remove(self, container: str) -> None:
        """Kill and remove a container, if it is still there."""
        self.run("rm", "--force", "--volumes", container)

    def sweep(self) -> None:
        """Remove the containers of harnesses that are gone."""
        listing = ["ps", "--all", "--filter", f"label={OWNER_LABEL}"]
        done = self.run(*listing, "--format", f'{{{{.ID}}}} {{{{.Label "{OWNER_LABEL}"}}}}')
        for line in done.stdout.splitlines():
            container, _, owner = line.partition(" ")
            if _has_gone(owner):
                self.remove(container)

    def run(self, *arguments: str, timeout_s: float = COMMAND_TIMEOUT_S) -> subprocess.CompletedProcess[str]:
        """Run a client command that ends by itself; raises subprocess.TimeoutExpired."""
        return subprocess.run(
            [self.program, *arguments],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout_s,
            check=False,
        )


def _engine_trouble(said: str) -> str:
    if "permission denied" in said:
        return "no permission to use the engine; run as root, or add this user to the group docker and log in again"
    line = next((line.strip() for line in reversed(said.splitlines()) if line.strip()), "it gave no reason")
    return f"no engine answers ({line[:200]}); start it (systemctl start docker)"


def _process_identity(pid: int) -> str:
    boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    namespace = Path("/proc/self/ns/pid").readlink().name
    return f"{boot}/{namespace}/{pid}/{psutil.Process(pid).create_time():.0f}"


def _has_gone(owner: str) -> bool:
    """Whether the process of an identity has ended; not in doubt, that is in another process namespace."""
    try:
        boot, namespace, pid, _started = owner.split("/")
        here = _process_identity(os.getpid()).split("/")
        if boot != here[0]:
            return True
        return namespace == here[1] and _process_identity(int(pid)) != owner
    except psutil.NoSuchProcess:
        return True
    except ValueError:
        return False
