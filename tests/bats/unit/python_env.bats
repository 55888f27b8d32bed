#!/usr/bin/env bats
load ../helper

setup() {
  isolate
  export PYENV_ROOT="$HOME/.pyenv" DEMO=1
  without python3 python3.12 python3.13 python3.11
}

# interpreter VERSION [FOLDER]: something that answers like a Python of this version.
interpreter() {
  local folder="${2:-$PYENV_ROOT/versions/$1/bin}"
  mkdir -p "$folder"
  printf '#!/bin/sh\necho %s\n' "$1" >"$folder/python"
  cp "$folder/python" "$folder/pip3"
  chmod +x "$folder/python" "$folder/pip3"
}

@test "an installed Python of exactly the wanted version is used" {
  interpreter 3.12.11
  interpreter 3.12.13
  load_harness 0
  [[ "$(python_find)" == "$PYENV_ROOT/versions/3.12.11/bin/python" ]]
}

@test "inside the validated regime nothing else is accepted" {
  interpreter 3.12.13
  load_harness 0
  [[ -z "$(python_find)" ]]
}

@test "outside of it the newest 3.12 is taken before a newer Python, and 3.11 never" {
  interpreter 3.12.9
  interpreter 3.12.10
  interpreter 3.13.2
  interpreter 3.11.9
  load_harness 1
  [[ "$(python_find)" == "$PYENV_ROOT/versions/3.12.10/bin/python" ]]
  rm -r "$PYENV_ROOT/versions/"3.12.*
  [[ "$(python_find)" == "$PYENV_ROOT/versions/3.13.2/bin/python" ]]
  rm -r "$PYENV_ROOT/versions/3.13.2"
  [[ -z "$(python_find)" ]]
}

@test "a Python that the pinned packages have no wheels for is not taken" {
  interpreter 3.14.0
  load_harness 1
  [[ -z "$(python_find)" ]]
}

@test "a version that the user named is taken literally, also outside the validated regime" {
  interpreter 3.12.9
  PYTHON_VERSION=3.12.11 load_harness 1
  [[ -z "$(python_find)" ]]
  PYTHON_VERSION=3.12.9
  [[ "$(python_find)" == "$PYENV_ROOT/versions/3.12.9/bin/python" ]]
}

@test "a build that was cut short, or whose standard library is incomplete, is not taken" {
  interpreter 3.12.11
  rm "$PYENV_ROOT/versions/3.12.11/bin/pip3"
  load_harness 0
  [[ -z "$(python_find)" ]]
  interpreter 3.12.11
  printf '#!/bin/sh\nexit 1\n' >"$PYENV_ROOT/versions/3.12.11/bin/python"
  [[ -z "$(python_find)" ]]
}

@test "pyenv's shims are passed over" {
  interpreter 3.12.10 "$PYENV_ROOT/shims"
  mv "$PYENV_ROOT/shims/python" "$PYENV_ROOT/shims/python3.12"
  PATH="$PYENV_ROOT/shims:$PATH"
  load_harness 1
  [[ -z "$(python_find)" ]]
}

# real_venv: a real virtual environment with a uv that tells what it is given.
real_venv() {
  PATH="$ORIGINAL_PATH" "$(PATH="$ORIGINAL_PATH" a_python)" -m venv "$VENV_DIR"
  printf '#!/bin/sh\nenv | grep -E "^(UV|SSL)_" | sort >"$STUB_DIR/uv.env"\necho "$*" >"$STUB_DIR/uv.args"\n' >"$VENV_DIR/bin/uv"
  chmod +x "$VENV_DIR/bin/uv"
  export PIP_CONFIG_FILE="$TEST_DIR/pip.conf"
  touch "$PIP_CONFIG_FILE"
}

@test "pip's registries reach uv, by pip's order of weight, unless uv has settings of its own" {
  load_harness 1
  real_venv
  cat >"$PIP_CONFIG_FILE" <<'CONF'
[global]
index-url = https://me:s3cret@global.example/simple
extra-index-url = file:///a/simple
    file:///b/simple
trusted-host = mirror.example
[install]
index-url = https://me:s3cret@install.example/simple
CONF
  PIP_FIND_LINKS="/w1 /w2" uv_install --no-deps thing
  grep -qx UV_DEFAULT_INDEX=https://me:s3cret@install.example/simple "$STUB_DIR/uv.env"
  grep -qx "UV_INDEX=file:///a/simple file:///b/simple" "$STUB_DIR/uv.env"
  grep -qx UV_FIND_LINKS=/w1,/w2 "$STUB_DIR/uv.env"
  grep -qx UV_INSECURE_HOST=mirror.example "$STUB_DIR/uv.env"
  grep -qx UV_INDEX_STRATEGY=unsafe-best-match "$STUB_DIR/uv.env"
  grep -qx UV_HTTP_RETRIES=5 "$STUB_DIR/uv.env"
  # no address among the arguments, where every user of the machine sees it
  [[ "$(<"$STUB_DIR/uv.args")" == "pip install --python $VENV_DIR/bin/python --no-deps thing" ]]
  # an index of this harness comes first
  RUSTEVAL_INDEX=https://torch.example/cu128 uv_install thing
  grep -qx "UV_INDEX=https://torch.example/cu128 file:///a/simple file:///b/simple" "$STUB_DIR/uv.env"
  UV_DEFAULT_INDEX=https://mine.example/simple uv_install thing
  grep -qx UV_DEFAULT_INDEX=https://mine.example/simple "$STUB_DIR/uv.env"
  run ! grep -E "example/cu128|UV_INDEX|UV_INSECURE" "$STUB_DIR/uv.env"
}

@test "what is done once stays done: an optional part is tried anew only with other pins, another card, or by name" {
  load_harness 1
  mkdir -p "$VENV_DIR"
  RUN_DIR=/run/1 GPU_NAME=H100 GPU_DRIVER=570 GPU_CUDA=12.8
  uv_remove() { echo "removed $*"; }
  fine_install() { echo "computes"; }
  broken_install() { echo "fetched" && echo "ImportError: undefined symbol" && return 1; }
  [[ -z "$(part_outcome broken)" ]]
  run part_try broken broken-package
  [[ "$status" == 1 && "$output" == *"undefined symbol"*"removed broken-package" ]]
  [[ "$(part_outcome broken)" == "ImportError: undefined symbol" ]]
  run part_require broken "The part" another
  [[ "$status" == 0 && "$output" == *"@fallback another: ImportError: undefined symbol"*"@warning The part could not be set up"*"--only broken"* ]]
  run part_require broken "The part" "" # nothing may take its place
  [[ "$status" == 1 && "$output" == "ImportError: undefined symbol" ]]
  # by name it is tried again, once in a run
  RUN_DIR=/run/2 ONLY=torch,broken
  [[ -z "$(part_outcome broken)" ]]
  run part_require broken "The part" another
  [[ "$status" == 1 && "$output" == "not proved to work yet" ]]
  run part_try broken broken-package
  [[ "$(part_outcome broken)" == "ImportError: undefined symbol" ]]
  RUN_DIR=/run/3 ONLY=""
  [[ -n "$(part_outcome broken)" ]]
  GPU_DRIVER=580
  [[ -z "$(part_outcome broken)" ]]
  part_try fine fine-package
  ONLY=fine RUN_DIR=/run/4
  [[ "$(part_outcome fine)" == works ]]
  part_require fine "The part" another
}

@test "what is not ours at VENV_DIR is never removed" {
  load_harness 1
  mkdir -p "$VENV_DIR"
  touch "$VENV_DIR/thesis.tex"
  run venv_make_room
  [[ "$status" == 20 && "$output" == *"choose another VENV_DIR"* && -f "$VENV_DIR/thesis.tex" ]]
  # nor is it on the record of what was made, which --uninstall goes by
  run venv_apply
  [[ "$status" == 20 && ! -e "$STATE_DIR/made" ]]
  touch "$VENV_DIR/pyvenv.cfg"
  venv_make_room
  [[ ! -e "$VENV_DIR" && -f "$(echo "$VENV_DIR".before-rusteval-*)/thesis.tex" ]]
}

@test "a half-built environment is removed, a finished one is kept until the new one is complete" {
  load_harness 1
  mkdir -p "$VENV_DIR"
  touch "$VENV_DIR/$VENV_MARKER.partial"
  venv_make_room
  [[ ! -e "$VENV_DIR" ]]
  mkdir -p "$VENV_DIR"
  touch "$VENV_DIR/$VENV_MARKER"
  venv_make_room
  [[ ! -e "$VENV_DIR" && -f "$VENV_DIR.previous/$VENV_MARKER" ]]
}

@test "pyenv: the user's own is used where it knows the version; a pinned one is fetched beside it where not" {
  load_harness 0
  mkdir -p "$PYENV_ROOT/plugins/python-build/share/python-build"
  touch "$PYENV_ROOT/plugins/python-build/share/python-build/3.12.11"
  [[ "$(pyenv_builder "$PYENV_ROOT")" == "$PYENV_ROOT/plugins/python-build" ]]
  rm "$PYENV_ROOT/plugins/python-build/share/python-build/3.12.11"
  pyenv_fetch() { mkdir -p "$1/plugins/python-build/share/python-build" && touch "$1/plugins/python-build/share/python-build/3.12.11"; }
  [[ "$(pyenv_builder "$PYENV_ROOT")" == "$HOME/.local/share/rusteval/pyenv/plugins/python-build" ]]
}

@test "pyenv: a fetch that breaks off leaves nothing that looks complete" {
  fake git '[[ "$*" != *fetch* ]] || { echo "fatal: unable to access: The requested URL returned error: 403" >&2; exit 128; }; mkdir -p "${@: -1}/plugins/python-build"'
  run bash -ec "source '$PROJECT/lib/step_main.sh'; harness_load '$PROJECT' / 0; pyenv_fetch '$HOME/.pyenv'"
  [[ "$status" == 128 && ! -e "$HOME/.pyenv" && -d "$HOME/.pyenv.partial" ]]
  grep -qx "folder$(printf '\t')$HOME/.pyenv.partial" "$HOME/.local/state/rusteval/made"
}

@test "pyenv: a network that fails for a while is asked again; what was made is on the record" {
  fake git 'case "$*" in
    init*) mkdir -p "${@: -1}" ;;
    *fetch*) echo x >>"$STUB_DIR/tries"; (($(wc -l <"$STUB_DIR/tries") > 2)) || { echo "fatal: unable to access: Could not resolve host: github.com" >&2; exit 128; } ;;
  esac'
  export RUSTEVAL_RETRY_PAUSE=0
  run bash -ec "source '$PROJECT/lib/step_main.sh'; harness_load '$PROJECT' / 0; pyenv_fetch '$HOME/.pyenv'"
  [[ "$status" == 0 && -d "$HOME/.pyenv" && "$(wc -l <"$STUB_DIR/tries")" == 3 ]]
  [[ "$output" == *"attempt 2 of 5 failed"* ]]
  grep -qx "folder$(printf '\t')$HOME/.pyenv" "$HOME/.local/state/rusteval/made"
}
