"""What is Docker's own: engines and images that are missing, what killed harnesses leave, ordinary users."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from docker_engine import BASE_IMAGE, docker
from judging_support import back_end, launcher, toolchain
from rusteval.errors import SandboxUnavailableError
from rusteval.judging.sandbox import choose_sandbox
from rusteval.judging.sandbox.base import View
from rusteval.judging.sandbox.docker import BUILD_VARIABLE, Docker
from rusteval.judging.sandbox.docker_engine import BASE_IMAGE_VARIABLE, OWNER_LABEL, DockerEngine
from rusteval.judging.sandbox.firejail import COPIES
from rusteval.judging.sandbox.launcher import Launcher
from rusteval.judging.sandbox.self_test import self_test
from rusteval.judging.sandbox.toolchain_copy import copy_toolchain

ORDINARY_USER = 54_321


@pytest.fixture
def engine(docker_engine, monkeypatch) -> str:
    """The tests' own engine, chosen by the environment as a user would choose it."""
    monkeypatch.setenv("DOCKER_HOST", docker_engine)
    monkeypatch.setenv(BASE_IMAGE_VARIABLE, BASE_IMAGE)
    return docker_engine


def containers(host: str) -> list[str]:
    return docker(host, "ps", "--all", "--quiet", "--filter", f"label={OWNER_LABEL}").stdout.split()


def none_left(host: str) -> bool:
    deadline = time.monotonic() + 30.0
    while containers(host) and time.monotonic() < deadline:
        time.sleep(0.1)
    return not containers(host)


def refusal() -> str:
    first = launcher()
    with pytest.raises(SandboxUnavailableError) as caught:
        Docker(launcher=first)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def as_ordinary_user(work: Callable[[], object], *, groups: list[int]) -> object:
    """Return what `work` returns in a process of a user who is not root (JSON data)."""
    if os.geteuid() != 0:
        return work()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.setgroups(groups)
            os.setgid(ORDINARY_USER)
            os.setuid(ORDINARY_USER)
            os.write(writer, json.dumps(work()).encode())
            status = 0
        finally:
            os._exit(status)
    os.close(writer)
    with os.fdopen(reader, "rb") as answer:
        text = answer.read()
    _, ended = os.waitpid(child, 0)
    assert ended == 0, "see its traceback above"
    return json.loads(text)


def test_without_a_client_the_package_is_named(monkeypatch, tmp_path):
    launcher()  # built while there is a linker
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "install the package docker.io" in refusal()


def test_without_an_engine_it_says_how_to_start_one(docker_engine, monkeypatch, tmp_path):
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no-socket")
    assert "systemctl start docker" in refusal()


def test_without_permission_the_group_is_named(engine):
    if os.geteuid() != 0:
        pytest.skip("only root can become a user without permission")
    assert "group docker" in str(as_ordinary_user(refusal, groups=[]))


def test_an_engine_that_never_answers_is_given_up_in_time(monkeypatch, tmp_path):
    silent = tmp_path / "docker"
    silent.write_text("#!/bin/sh\nexec sleep 600\n")
    silent.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(SandboxUnavailableError, match="does not answer within 3 s"):
        Docker(launcher=launcher(), build=False)


def test_an_engine_that_maps_users_is_refused(monkeypatch, tmp_path):
    launcher()
    client = tmp_path / "docker"
    client.write_text(
        '#!/bin/sh\necho \'28.2.2 true true ["name=seccomp,profile=builtin","name=rootless"]\'\n'
    )
    client.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert "rootless" in refusal()


def test_auto_never_builds_an_image_but_takes_one_that_is_there(engine, monkeypatch, tmp_path):
    chosen, _ = choose_sandbox("auto", toolchain=toolchain(), cache_directory=tmp_path)
    assert chosen.name == "docker"
    monkeypatch.setenv(BASE_IMAGE_VARIABLE, "rusteval-test-base:other")
    before = set(docker(engine, "images", "--quiet").stdout.split())  # images of one second come in any order
    with pytest.raises(SandboxUnavailableError, match="rusteval doctor --sandbox-mode docker"):
        Docker(launcher=launcher(), build=False)
    other, _ = choose_sandbox("auto", toolchain=toolchain(), cache_directory=tmp_path)
    assert other.name in ("firejail", "bubblewrap")
    assert set(docker(engine, "images", "--quiet").stdout.split()) == before


def test_by_name_missing_images_are_built_and_a_bad_base_is_told(engine, monkeypatch, capfd):
    monkeypatch.setenv(BASE_IMAGE_VARIABLE, "rusteval-test-base:other")
    assert "cannot be built from rusteval-test-base:other" in refusal()
    docker(engine, "tag", BASE_IMAGE, "rusteval-test-base:other")
    with monkeypatch.context() as only_looking:
        only_looking.setenv(BUILD_VARIABLE, "0")
        assert "holds no image" in refusal()
    capfd.readouterr()
    Docker(launcher=launcher())
    said = capfd.readouterr()
    assert "docker: building rusteval-sandbox:compile-" in said.err
    assert said.out == ""
    Docker(launcher=launcher())
    assert "building" not in capfd.readouterr().err


def test_containers_of_a_killed_harness_are_removed_by_the_next_one_and_no_others(engine):
    image = DockerEngine().image("run")
    own = DockerEngine().owner_label()
    with subprocess.Popen([sys.executable, "-c", "pass"]) as gone:
        gone.wait()
    boot, namespace, pid, started = own.split("=")[1].split("/")
    dead = f"{OWNER_LABEL}={boot}/{namespace}/{gone.pid}/1"
    earlier = f"{OWNER_LABEL}=another-boot/{namespace}/{pid}/{started}"
    elsewhere = f"{OWNER_LABEL}={boot}/pid:[1]/{gone.pid}/1"
    made = {
        label: docker(engine, "create", "--label", label, image, "/nothing").stdout.strip()[:12]
        for label in (own, dead, earlier, elsewhere, "unrelated=1")
    }
    Docker(launcher=launcher())
    assert set(containers(engine)) == {made[own], made[elsewhere]}
    for container in (made[own], made[elsewhere], made["unrelated=1"]):
        docker(engine, "rm", container)


def test_a_client_that_is_killed_leaves_no_container(engine):
    with Docker(launcher=launcher()).open(View(readonly=(Path("/usr/share"),))) as jail:
        assert len(containers(engine)) == 1
        jail._process.kill()
        jail._process.wait()
    assert none_left(engine)


def test_containers_have_the_documented_limits(engine):
    with Docker(launcher=launcher()).open(View(system=True)):
        (container,) = containers(engine)
        facts = json.loads(docker(engine, "inspect", container).stdout)[0]
    host = facts["HostConfig"]
    assert (host["NetworkMode"], host["ReadonlyRootfs"], host["IpcMode"]) == ("none", True, "none")
    assert (host["Memory"], host["MemorySwap"], host["PidsLimit"]) == (4 << 30, 4 << 30, 512)
    assert host["CapDrop"] == ["ALL"]
    assert host["SecurityOpt"] == ["no-new-privileges"]
    assert "size=2g" in host["Tmpfs"]["/tmp"]
    assert facts["Config"]["User"].split(":")[0] not in ("", "0")
    assert not [mount for mount in facts["Mounts"] if mount["RW"]]
    assert none_left(engine)


def test_an_ordinary_user_of_the_engine_needs_no_root(engine, monkeypatch, tmp_path):
    if os.geteuid() == 0:  # root's own toolchain is out of such a user's reach
        used = copy_toolchain(toolchain(), destination=COPIES / "for-tests")
        tmp_path.chmod(0o777)
        monkeypatch.setenv("HOME", str(tmp_path))
    else:
        used = toolchain()

    def work() -> dict[str, object]:
        sandbox = Docker(launcher=Launcher(toolchain=used))
        return self_test(sandbox, toolchain=used).to_dict()

    report = as_ordinary_user(work, groups=[os.getgid()])
    assert isinstance(report, dict)
    assert report["ok"] is True, [check for check in report["checks"] if not check["ok"]]
    assert not list(Path("/tmp").glob(f"rusteval-judge-*/{ORDINARY_USER}"))


def test_it_is_the_machine_s_own_compiler(engine):
    sandbox = back_end("docker")
    assert sandbox.reachable(toolchain()) == toolchain()
