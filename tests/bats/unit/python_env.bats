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

@test "pip's registries reach uv, by pip's order of weight" {
  load_harness 1
  mkdir -p "$VENV_DIR/bin"
  cat >"$VENV_DIR/bin/python" <<'SH'
#!/bin/sh
cat <<'END'
:env:.find-links='/w1 /w2'
global.index-url='https://global.example/simple'
global.extra-index-url='file:///a/simple\nfile:///b/simple'
install.index-url='https://install.example/simple'
global.trusted-host='mirror.example'
END
SH
  chmod +x "$VENV_DIR/bin/python"
  uv_use_pip_settings
  [[ "$UV_DEFAULT_INDEX" == https://install.example/simple ]]
  [[ "$UV_INDEX" == "file:///a/simple file:///b/simple" ]]
  [[ "$UV_FIND_LINKS" == /w1,/w2 ]]
  [[ "$UV_INSECURE_HOST" == mirror.example && "$UV_INDEX_STRATEGY" == unsafe-best-match ]]
}

@test "uv's own settings are left alone" {
  load_harness 1
  UV_DEFAULT_INDEX=https://mine.example/simple
  uv_use_pip_settings # would fail: there is no pip to ask
  [[ "$UV_DEFAULT_INDEX" == https://mine.example/simple && -z "${UV_INDEX_STRATEGY:-}" ]]
}

@test "what is not ours at VENV_DIR is never removed" {
  load_harness 1
  mkdir -p "$VENV_DIR"
  touch "$VENV_DIR/thesis.tex"
  run venv_make_room
  [[ "$status" == 20 && "$output" == *"choose another VENV_DIR"* && -f "$VENV_DIR/thesis.tex" ]]
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
  load_harness 0
  fake git '[[ "$1" != -C ]] || exit 128; mkdir -p "${@: -1}/plugins/python-build"'
  run bash -ec "$(declare -f pyenv_fetch); PYENV_URL=x PYENV_COMMIT=y; pyenv_fetch '$HOME/.pyenv'"
  [[ "$status" != 0 && ! -e "$HOME/.pyenv" ]]
}
