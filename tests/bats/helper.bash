# shellcheck shell=bash disable=SC2034,SC2016,SC2120
# What every test starts with: a HOME, a PATH and an environment of its own. SC2034: the tests read what is set
# here; SC2016: bodies of stand-in programs are expanded by these; SC2120: tests pass the arguments.
bats_require_minimum_version 1.5.0

PROJECT="$(cd -- "${BASH_SOURCE[0]%/*}/../.." && pwd)"
FIXTURES="$PROJECT/tests/bats/fixtures"

# isolate: forget the caller's settings; empty HOME; PATH with a folder for stand-ins first.
isolate() {
  local name
  ORIGINAL_PATH="${ORIGINAL_PATH:-$PATH}" ORIGINAL_HOME="${ORIGINAL_HOME:-$HOME}"
  for name in $(compgen -e); do
    case "$name" in
      PATH | TERM | LANG | BATS* | TEST_* | ORIGINAL_PATH | TMPDIR) ;;
      *) unset "$name" ;;
    esac
  done
  TEST_DIR="${TEST_DIR:-$BATS_TEST_TMPDIR}"
  export HOME="$TEST_DIR/home" STUB_DIR="$TEST_DIR/stubs" PATH="$TEST_DIR/bin:/usr/bin:/bin:/usr/sbin:/sbin"
  export TMUX_TMPDIR="$TEST_DIR"
  mkdir -p "$HOME" "$STUB_DIR" "$TEST_DIR/bin" "$TEST_DIR/cwd"
  cd "$TEST_DIR/cwd" || return 1
}

# stub NAME "PATTERN :: COMMAND"...: plan the calls of a program, in order.
stub() {
  printf '%s\n' "${@:2}" >"$STUB_DIR/$1.plan"
  ln -sf "$PROJECT/tests/bats/stubs/stub" "$TEST_DIR/bin/$1"
}

# unstub NAME: fail unless every planned call has happened and nothing else.
unstub() {
  local planned called
  planned="$(wc -l <"$STUB_DIR/$1.plan")"
  called="$(cat "$STUB_DIR/$1.called" 2>/dev/null || echo 0)"
  cat "$STUB_DIR/$1.unplanned" 2>/dev/null && return 1
  [[ "$planned" == "$called" ]] || {
    echo "$1 was called $called times, $planned were planned"
    return 1
  }
}

# fake NAME BODY: a program that is always there and does BODY.
fake() {
  printf '#!/usr/bin/env bash\n%s\n' "$2" >"$TEST_DIR/bin/$1"
  chmod +x "$TEST_DIR/bin/$1"
}

# without NAME...: a PATH with everything of the system but these programs.
without() {
  local name
  mkdir -p "$TEST_DIR/system"
  ln -sf /usr/sbin/* /usr/bin/* "$TEST_DIR/system/"
  for name in "$@"; do rm -f "$TEST_DIR/system/$name" "$TEST_DIR/bin/$name"; done
  export PATH="$TEST_DIR/bin:$TEST_DIR/system"
}

# load_harness [DEMO]: source the table and every library into the test.
load_harness() {
  # shellcheck source=lib/step_main.sh disable=SC1091  # found in the project
  source "$PROJECT/lib/step_main.sh"
  harness_load "$PROJECT" "$PWD" "${1:-0}"
  ui_init
  GPU_NAME="" GPU_DRIVER="" GPU_CUDA="" GPU_ERROR="none"
}

# machine OS_FIXTURE [NVIDIA_SMI_FIXTURE]: the system and the graphics card that the harness sees.
machine() {
  local tool
  export RUSTEVAL_OS_RELEASE="$FIXTURES/os-release-$1" RUSTEVAL_MEMINFO="$TEST_DIR/meminfo"
  echo "MemTotal:       230000000 kB" >"$RUSTEVAL_MEMINFO"
  fake df 'echo "Filesystem 1024-blocks Used Available Capacity Mounted on"; echo "/dev/sda1 1 1 ${FAKE_FREE_KB:-900000000} 1% /"'
  fake dpkg-query 'cat "$STUB_DIR/packages"'
  for tool in docker systemctl service; do fake "$tool" 'exit 1'; done # no engine, and nothing that starts one
  all_packages ""
  rm -f "$TEST_DIR/bin/nvidia-smi"
  [[ -z "${2:-}" ]] || fake nvidia-smi "
case \"\$*\" in
  '') cat '$FIXTURES/nvidia-smi-$2.txt'; [[ $2 != mismatch ]] ;;
  --query-gpu=name,driver_version*) echo '${3:-NVIDIA H100 80GB HBM3}, 570.124.06' ;;
  *) exit 2 ;;
esac"
}

# all_packages [LESS...]: what dpkg-query says is installed: everything but LESS.
all_packages() {
  local name
  {
    for name in ca-certificates curl git build-essential pkg-config xz-utils tmux bubblewrap firejail; do
      [[ " $* " == *" $name "* ]] || echo "$name installed"
    done
  } >"$STUB_DIR/packages"
}

# tree_state FOLDER: names, kinds, sizes and times of everything below.
tree_state() { find "$1" -printf '%P %y %s %T@\n' | sort; }

# wait_until COMMAND...: up to 30 seconds.
wait_until() {
  local tries
  for ((tries = 0; tries < 300; tries++)); do
    ! "$@" || return 0
    sleep 0.1
  done
  echo "never happened: $*"
  return 1
}

# a_python: a Python of 3.12 or newer on this machine, for the tests that build a real virtual environment.
a_python() {
  local candidate
  for candidate in "$PROJECT/.venv/bin/python" "$ORIGINAL_HOME"/.pyenv/versions/3.1[23]*/bin/python python3.12 python3.13 python3; do
    if "$candidate" -c 'import sys; sys.exit(not (3, 12) <= sys.version_info < (3, 14))' 2>/dev/null; then
      "$candidate" -c 'import sys; print(sys._base_executable)'
      return 0
    fi
  done
  echo "no Python 3.12 or 3.13 for the tests" >&2
  return 1
}

# checkout: a stand-in of this repository with the real harness in it, whose packages are tiny wheels from a folder.
checkout() {
  local python
  python="$(PATH="$ORIGINAL_PATH" a_python)"
  mkdir -p "$TEST_DIR/checkout" "$TEST_DIR/pyenv/versions/test"
  cp -r "$PROJECT/eval_setup.sh" "$PROJECT/eval_setup_config.sh" "$PROJECT/lib" "$PROJECT/tests/bats/standin/." \
    "$TEST_DIR/checkout/"
  # the stand-ins of packages that need a newer Python do with the one that the tests have
  sed -i 's/|3\.12\.10|/|3.12.0|/' "$TEST_DIR/checkout/eval_setup_config.sh"
  make_wheels "$python"
  "$python" -c 'import platform; print(platform.python_version())' >"$TEST_DIR/python-version"
  ln -s "$(dirname "$python")" "$TEST_DIR/python"
}

# make_wheels PYTHON: the tiny wheels, and the locks that pin them.
make_wheels() {
  "$1" "$TEST_DIR/checkout/make_wheels.py" "$TEST_DIR/wheels" "$TEST_DIR/checkout/requirements.lock" \
    "$TEST_DIR/checkout/requirements-vllm.lock"
}

# checkout_environment: the settings and programs that runs of the stand-in see.
checkout_environment() {
  local tool
  CHECKOUT="$TEST_DIR/checkout" VENV="$HOME/.venvs/sigilderg-humaneval"
  PYTHON_VERSION="$(<"$TEST_DIR/python-version")"
  export PYTHON_VERSION PYENV_ROOT="$TEST_DIR/pyenv" PATH="$TEST_DIR/bin:$TEST_DIR/python:/usr/bin:/bin:/usr/sbin:/sbin"
  export PIP_NO_INDEX=1 PIP_FIND_LINKS="$TEST_DIR/wheels" PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_COMPILE=1
  export TORCH_INDEX=http://127.0.0.1:9 RUSTEVAL_RETRY_PAUSE=0
  fake rustc 'echo "rustc 1.95.0 (x)"'
  fake clippy-driver 'echo "clippy 1.95.0"'
  for tool in bwrap firejail apt-cache; do fake "$tool" 'true'; done
  fake apt-get 'echo "unplanned: apt-get $*" >&2; exit 97'
  fake sudo 'exit 1'
  machine jammy 570-h100
}

# Whole runs start from a finished set-up, made once for all files and copied to the same place for each test.
make_ready() {
  TEST_DIR="$BATS_SUITE_TMPDIR/work"
  [[ ! -d "$BATS_SUITE_TMPDIR/ready" ]] || return 0
  isolate
  checkout
  checkout_environment
  "$CHECKOUT/eval_setup.sh" --demo </dev/null >"$BATS_SUITE_TMPDIR/ready.log" 2>&1 || cat "$BATS_SUITE_TMPDIR/ready.log"
  rm -rf "$TEST_DIR/cwd/demo_results" "$HOME/uv.log" "$HOME/.local/state"
  cd /
  cp -a "$TEST_DIR" "$BATS_SUITE_TMPDIR/ready"
}

# from_ready: READY_IN is where another file has made its own.
from_ready() {
  local place="${READY_IN:-$BATS_SUITE_TMPDIR}"
  TEST_DIR="$place/work"
  cd /
  rm -rf "$TEST_DIR"
  cp -a "$place/ready" "$TEST_DIR"
  isolate
  checkout_environment
}

# from_nothing: the machine before the first run.
from_nothing() { rm -rf "$HOME" && mkdir "$HOME"; }

setup_run() { "$CHECKOUT/eval_setup.sh" "$@"; }

summary() { jq -r "$1" "$HOME/.local/state/rusteval/latest/summary.json"; }
