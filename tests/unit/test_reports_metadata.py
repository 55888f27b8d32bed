import getpass
import json
import platform
import subprocess
import sys
from pathlib import Path

from rusteval.reports.metadata import collect_environment


def fake_tool(folder, script):
    tool = folder / "nvidia-smi"
    tool.write_text(f"#!/bin/sh\n{script}\n")
    tool.chmod(0o755)


def test_the_machine_is_described_without_names_of_host_and_user():
    found = collect_environment(packages=["numpy", "no-such-package"])
    text = json.dumps(found, allow_nan=False)
    assert found["python"] == platform.python_version()
    assert found["kernel"] == platform.release()
    assert found["ram_bytes"] > 0
    assert found["cpu"]
    assert found["packages"]["no-such-package"] is None
    assert f"numpy=={found['packages']['numpy']}" in found["pip_freeze"]
    assert len(platform.node()) < 3 or platform.node() not in text
    assert str(Path.home()) == "/" or str(Path.home()) not in text
    assert len(getpass.getuser()) < 5 or getpass.getuser() not in text


def test_the_gpu_is_read_from_nvidia_smi(tmp_path, monkeypatch):
    fake_tool(
        tmp_path,
        'case "$1" in\n'
        '--query-gpu=*) echo "NVIDIA H100 80GB HBM3, 570.124.06, 81559 MiB" ;;\n'
        '*) echo "| NVIDIA-SMI 570.124.06  Driver Version: 570.124.06  CUDA Version: 12.8 |" ;;\nesac',
    )
    monkeypatch.setenv("PATH", str(tmp_path))
    assert collect_environment(packages=[])["gpu"] == {
        "devices": [{"name": "NVIDIA H100 80GB HBM3", "driver": "570.124.06", "memory": "81559 MiB"}],
        "driver_cuda": "12.8",
        "error": None,
    }


def test_a_broken_driver_is_said_and_stops_nothing(tmp_path, monkeypatch):
    fake_tool(
        tmp_path, 'echo "NVIDIA-SMI has failed because it could not communicate with the driver"; exit 9'
    )
    monkeypatch.setenv("PATH", str(tmp_path))
    found = collect_environment(packages=[])["gpu"]
    assert found["devices"] == []
    assert "could not communicate" in found["error"]


def test_a_machine_without_gpu_has_no_devices(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert collect_environment(packages=[])["gpu"] == {"devices": [], "driver_cuda": None, "error": None}


def test_neither_torch_nor_matplotlib_is_imported_for_it():
    script = (
        "import sys; from rusteval.reports.metadata import collect_environment; "
        "import rusteval.reports.write; collect_environment(packages=['torch']); "
        "print([name for name in ('torch', 'matplotlib') if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
