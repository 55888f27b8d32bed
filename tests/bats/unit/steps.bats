#!/usr/bin/env bats
load ../helper

setup() {
  isolate
  machine jammy 570-h100
}

@test "apt: only what is missing, nothing upgraded, no dialogs, and it waits for another package manager" {
  all_packages tmux git
  load_harness
  have_root() { return 0; }
  as_root() { "$@"; }
  fake apt-get 'echo "$*" >"$STUB_DIR/apt.args"; env >"$STUB_DIR/apt.env"; [[ ! -e /dev/fd/9 ]] || echo 9 >"$STUB_DIR/apt.fd9"'
  fake python3.12 'echo 3.12.11'
  exec 9>"$TEST_DIR/lock"
  system_deps_apply
  grep -q -- "DPkg::Lock::Timeout=600.* Acquire::Retries=3.* install --no-upgrade --no-install-recommends git tmux$" "$STUB_DIR/apt.args"
  [[ "$(<"$STATE_DIR/made")" == *"package"$'\t'"git"$'\n'"package"$'\t'"tmux" ]]
  grep -qx DEBIAN_FRONTEND=noninteractive "$STUB_DIR/apt.env"
  grep -qx NEEDRESTART_SUSPEND=1 "$STUB_DIR/apt.env"
  [[ ! -e "$STUB_DIR/apt.fd9" ]]
}

@test "apt: one refresh of the lists and one more try" {
  load_harness
  as_root() { shift; while [[ "$1" == *=* ]]; do shift; done; "$@"; }
  have_root() { return 0; }
  stub apt-get "*install*tmux :: exit 100" "*update :: true" "*install*tmux :: true"
  apt_install tmux
  unstub apt-get
}

@test "apt: failing twice fails the step" {
  load_harness
  as_root() { shift; while [[ "$1" == *=* ]]; do shift; done; "$@"; }
  have_root() { return 0; }
  stub apt-get "*install*tmux :: exit 100" "*update :: true" "*install*tmux :: exit 100"
  run apt_install tmux
  [[ "$status" != 0 ]]
  unstub apt-get
}

@test "the build libraries of Python are asked for only where a Python must be built" {
  load_harness
  python_find() { echo /opt/python; }
  [[ "$(system_packages)" != *libssl-dev* ]]
  python_find() { :; }
  [[ "$(system_packages)" == *libssl-dev* && "$(system_packages)" == *liblzma-dev* ]]
}

@test "rust: an existing toolchain that is new enough and has Clippy is used as it is" {
  fake rustc 'echo "rustc 1.90.1 (abc 2025-10-06)"'
  fake clippy-driver 'echo "clippy 0.1.90"'
  load_harness
  [[ "$(rust_toolchain)" == "default 1.90.1" ]]
  run rust_check
  [[ "$status" == 0 ]]
}

@test "rust: too old, without Clippy, or broken means the pinned toolchain, by name and not as the new default" {
  fake clippy-driver 'echo "clippy"'
  fake rustc '[[ "${RUSTUP_TOOLCHAIN:-}" == 1.95.0 ]] && echo "rustc 1.95.0 (x)" || echo "rustc 1.70.0 (x)"'
  load_harness
  [[ "$(rust_toolchain)" == "1.95.0 1.95.0" ]]
  fake clippy-driver '[[ "${RUSTUP_TOOLCHAIN:-}" == 1.95.0 ]]'
  fake rustc 'echo "rustc 1.95.0 (x)"'
  [[ "$(rust_toolchain)" == "1.95.0 1.95.0" ]]
  fake clippy-driver 'exit 1'
  run rust_toolchain
  [[ "$status" != 0 ]]
}

@test "rust: an existing rustup gets the pinned toolchain with Clippy" {
  load_harness
  stub rustup "toolchain install 1.95.0 --profile minimal --component clippy* :: true"
  mkdir "$HOME/.rustup" "$HOME/.cargo"
  rust_apply
  unstub rustup
  # what was there is not on the record of what was made
  [[ "$(grep -c folder "$STATE_DIR/made")" == 1 ]]
  grep -q "folder.$HOME/.rustup/toolchains/1.95.0-x86_64-unknown-linux-gnu$" "$STATE_DIR/made"
}

@test "rust: an installer with a wrong digest is never executed" {
  without rustup rustc
  load_harness
  fake curl 'while [[ "$1" != --output ]]; do shift; done; printf "#!/bin/sh\ntouch %s/executed\n" "$STUB_DIR" >"$2"'
  STATE_DIR="$TEST_DIR/state" run bash -e "$PROJECT/lib/step_main.sh" apply rust
  [[ "$status" != 0 && ! -e "$STUB_DIR/executed" ]]
}

@test "FlashAttention is left out, and said to be, without a card, when switched off, and on another Python" {
  load_harness
  mkdir -p "$VENV_DIR/bin"
  fake python 'exit 0'
  cp "$TEST_DIR/bin/python" "$VENV_DIR/bin/python"
  [[ "$(flash_attn_use)" == "no graphics card in use" ]]
  GPU_NAME=H100 GPU_CUDA=12.8
  [[ -z "$(flash_attn_use)" ]]
  [[ "$(FLASH_ATTN=off flash_attn_use)" == "FLASH_ATTN=off" ]]
  printf '#!/bin/sh\nexit 1\n' >"$VENV_DIR/bin/python"
  [[ "$(flash_attn_use)" == *"Python 3.12" ]]
  [[ "$(FLASH_ATTN=off flash_attn_check)" == *"@set attention sdpa"* ]]
}

# flash_attn_machine: a card, and a virtual environment whose Python and uv only note what they are asked for.
flash_attn_machine() {
  GPU_NAME=H100 GPU_CUDA="$1"
  mkdir -p "$VENV_DIR/bin"
  printf '#!/bin/sh\n[ "$2" != flash_attn ] || [ -e "$STUB_DIR/computes" ] || { echo "ImportError: undefined symbol"; exit 1; }\n' >"$VENV_DIR/bin/python"
  printf '#!/bin/sh\necho "$*" >>"$STUB_DIR/uv.log"\n' >"$VENV_DIR/bin/uv"
  chmod +x "$VENV_DIR/bin/"*
  fetch() { echo "$1 $2" >>"$STUB_DIR/fetched"; }
  uv_install() { echo "install $*" >>"$STUB_DIR/uv.log"; }
}

@test "FlashAttention: the wheel of the row is fetched, and removed again when it does not work; the summary says why" {
  load_harness
  flash_attn_machine 12.8
  run flash_attn_check
  [[ "$status" == 1 ]]
  run flash_attn_apply
  [[ "$status" == 0 && "$output" == *"undefined symbol"* ]]
  grep -q "/v2.8.3/flash_attn-2.8.3%2Bcu12torch2.7cxx11abiTRUE-cp312-cp312-linux_x86_64.whl cafd4f70" "$STUB_DIR/fetched"
  grep -q "install --no-deps .*flash_attn-2.8.3+cu12" "$STUB_DIR/uv.log"
  grep -q "pip uninstall .*flash-attn" "$STUB_DIR/uv.log"
  run flash_attn_check
  [[ "$status" == 0 && "$output" == *"@set attention sdpa"*"@fallback sdpa: ImportError: undefined symbol"*"@warning FlashAttention 2 could not be set up"* ]]
  [[ "$output" != *"attention fa2"* ]]
  # another driver, another row of the table
  GPU_CUDA=12.4
  run flash_attn_check
  [[ "$status" == 1 ]]
  rm "$STUB_DIR/fetched"
  flash_attn_apply
  grep -q "/v2.7.4.post1/flash_attn-2.7.4.post1%2Bcu12torch2.4cxx11abiFALSE-cp312" "$STUB_DIR/fetched"
}

@test "FlashAttention: one that computes is in use, as long as its files are there" {
  load_harness
  flash_attn_machine 12.8
  touch "$STUB_DIR/computes"
  flash_attn_apply
  venv_has() { [[ "$*" == flash-attn==2.8.3 ]]; }
  run flash_attn_check
  [[ "$status" == 0 && "$output" == *"@set attention fa2"* && "$output" != *fallback* ]]
  run ! grep -q "pip uninstall" "$STUB_DIR/uv.log"
  venv_has() { exit 1; } # as a command that fails ends a step
  run flash_attn_check
  [[ "$status" == 1 && "$output" != *fa2* ]]
}

@test "FlashAttention: a wheel that cannot be downloaded is left out, too" {
  load_harness
  flash_attn_machine 12.8
  fetch() { echo "curl: (22) The requested URL returned error: 404" && return 22; }
  flash_attn_apply
  run flash_attn_check
  [[ "$status" == 0 && "$output" == *"@fallback sdpa: curl: (22) The requested URL returned error: 404"* ]]
}

# cuda CUDA [PYTHON]: a card with such a driver, and the virtual environment's Python.
cuda() {
  GPU_NAME=H100 GPU_CUDA="$1"
  mkdir -p "$VENV_DIR"
  touch "$VENV_DIR/$VENV_MARKER"
  echo "version = ${2:-3.12.11}" >"$VENV_DIR/pyvenv.cfg"
}

@test "vLLM is for CUDA 12.8 or newer and Python 3.12; where it is left out the reason is said" {
  SKIP_ENV_CHECK=1 load_harness
  [[ "$(vllm_left_out)" == "no graphics card in use" ]]
  cuda 12.8
  [[ -z "$(vllm_left_out)" ]]
  cuda 13.1
  [[ -z "$(vllm_left_out)" ]]
  cuda 12.4
  [[ "$(vllm_left_out)" == *"is for cu128, and PyTorch 2.4.0 of cu124 is in use"* ]]
  TORCH_PROFILE=cu128
  [[ -z "$(vllm_left_out)" ]]
  cuda 12.8 3.13.1
  [[ "$(vllm_left_out)" == *"for Python 3.12, and this is 3.13.1" ]]
  run vllm_check
  [[ "$status" == 0 && "$output" == "left out: "* ]]
  ENGINE=vllm run vllm_check
  [[ "$status" == 1 && "$output" == "left out: "*"Python 3.12"* ]]
  ENGINE=vllm run vllm_apply
  [[ "$status" == 20 && "$output" == *"vLLM cannot be had: "*"Python 3.12"* ]]
  cuda 12.8
  [[ "$(ENGINE=transformers vllm_left_out)" == "ENGINE=transformers" ]]
  [[ "$(ENGINE=vllm-server VLLM_PYTHON=/my/python vllm_left_out)" == *"/my/python" ]]
  GPU_NAME=""
  [[ "$(vllm_left_out)" == "no graphics card in use" ]]
  [[ "$(DEMO=1 vllm_left_out)" == "the demo uses no graphics card" ]]
}

@test "vLLM: before there is a virtual environment, the Python that it will have counts" {
  load_harness
  GPU_NAME=H100 GPU_CUDA=12.8
  python_find() { :; }
  [[ -z "$(vllm_left_out)" ]]
  [[ "$(PYTHON_VERSION=3.13.2 vllm_left_out)" == *"this is 3.13.2" ]]
  python_find() { echo found; }
  python_version() { [[ "$1" == found ]] && echo 3.13.5; }
  [[ "$(vllm_left_out)" == *"this is 3.13.5" ]]
}

@test "vLLM is optional, unless it is asked for by name" {
  load_harness
  local engine
  for engine in auto transformers; do
    [[ "$(ENGINE=$engine runner_table)" == *"vllm|vLLM|optional"* ]]
  done
  for engine in vllm vllm-server; do
    grep -qx "vllm|vLLM|" < <(ENGINE=$engine runner_table)
  done
  [[ "$(ENGINE=vllm-server VLLM_PYTHON=/my/python runner_table)" == *"vllm|vLLM|optional"* ]]
}

@test "torchaudio comes from where torch came, as the same build" {
  load_harness
  cuda 12.8
  local site="$VENV_DIR/lib/python3.12/site-packages"
  mkdir -p "$site/torch-2.7.1+cu128.dist-info"
  torch_from_index() { echo "index $*"; }
  uv_install() { echo "registry $*"; }
  venv_has() { [[ "$*" == "$COMPLETE" ]]; }
  [[ "$(COMPLETE="" vllm_add_torchaudio)" == "index cu128 --no-deps --reinstall-package=torchaudio torchaudio==2.7.1+cu128" ]]
  [[ "$(COMPLETE="torchaudio===2.7.1" vllm_add_torchaudio)" == "index cu128 "* ]]
  [[ -z "$(COMPLETE="torchaudio===2.7.1+cu128" vllm_add_torchaudio)" ]]
  mv "$site/torch-2.7.1+cu128.dist-info" "$site/torch-2.7.1.dist-info"
  [[ "$(COMPLETE="" vllm_add_torchaudio)" == "registry --no-deps --reinstall-package=torchaudio torchaudio==2.7.1" ]]
}

@test "the evaluation is told the engine, and where the set-up has no complete vLLM, not to look for one" {
  load_harness
  runner_load_table
  SETTINGS[vllm]=0.10.0
  evaluation_command
  [[ "${EVALUATION[*]}" == *"--engine auto"* && "${EVALUATION[*]}" != *--vllm-python* ]]
  unset "SETTINGS[vllm]"
  evaluation_command
  [[ "${EVALUATION[*]}" == *"--engine transformers"* ]]
  ENGINE=vllm-server VLLM_PYTHON=/my/python
  evaluation_command
  [[ "${EVALUATION[*]}" == *"--engine vllm-server --vllm-python /my/python"* ]]
}

@test "the evaluation sees the user's settings of vLLM, but none of its keys" {
  export VLLM_ATTENTION_BACKEND=FLASH_ATTN VLLM_API_KEY=sentinel
  load_harness
  RUN_DIR="$TEST_DIR/run"
  run evaluation_environment
  [[ "$output" == *"export VLLM_ATTENTION_BACKEND=FLASH_ATTN"* ]]
  [[ "$output" != *sentinel* && "$output" != *VLLM_PYTHON* ]]
}

@test "the ecosystem: the source repository only where the registry lacks the version" {
  load_harness
  set -o pipefail
  local row="demo-package|9.9.9|3.12.0|demo|https://example.invalid/repo"
  venv_has() { :; }
  uv_install() {
    echo "$*" >>"$STUB_DIR/uv.log"
    [[ "$*" != *==* ]] || { echo "there is no version of demo-package==9.9.9" && return 1; }
  }
  ecosystem_install "$row"
  [[ "$(tail -n 1 "$STUB_DIR/uv.log")" == "--no-deps demo-package @ git+https://example.invalid/repo@v9.9.9" ]]
  rm "$STUB_DIR/uv.log"
  uv_install() {
    echo "$*" >>"$STUB_DIR/uv.log"
    echo "No space left on device"
    return 1
  }
  run ecosystem_install "$row"
  [[ "$status" != 0 && "$(wc -l <"$STUB_DIR/uv.log")" == 1 ]]
}

@test "the ecosystem: a package for a newer Python is left out only outside the validated regime" {
  load_harness
  run ! ecosystem_skips 3.12.1 3.12.10
  SKIP_ENV_CHECK=1
  ecosystem_skips 3.12.1 3.12.10
  run ! ecosystem_skips 3.12.11 3.12.10
}
