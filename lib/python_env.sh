# shellcheck shell=bash
# Steps "python" (an interpreter, built with pyenv where there is none) and "venv" (the virtual environment with uv),
# and the one way in which packages are installed into it.

# python_version INTERPRETER: its version, if it runs and its standard library is complete; else fails.
python_version() {
  "$1" -I -c '
import bz2, ctypes, lzma, sqlite3, ssl, sys, venv, zlib
print("%d.%d.%d" % sys.version_info[:3])' 2>/dev/null </dev/null
}

# python_acceptable VERSION: the version asked for; or, outside the validated regime and where the user named none,
# any that the pinned packages have wheels for.
python_acceptable() {
  [[ "$1" != "$PYTHON_VERSION" ]] || return 0
  ! regime_is_strict && ! option_is_explicit PYTHON_VERSION &&
    [[ "$1" =~ ^3\.([0-9]+)\.[0-9]+$ ]] && ((BASH_REMATCH[1] >= 12 && BASH_REMATCH[1] <= PYTHON_NEWEST_MINOR))
}

# python_candidates: interpreters to look at: complete pyenv builds (pip is installed last), then those on the PATH.
python_candidates() {
  local root folder name
  for root in "${PYENV_ROOT:-$HOME/.pyenv}" "$HOME/.pyenv"; do
    for folder in "$root"/versions/3.*; do
      [[ ! -x "$folder/bin/python" || ! -x "$folder/bin/pip3" ]] || printf '%s\n' "$folder/bin/python"
    done
  done
  for name in python3.12 python3.13 python3; do
    type -aP "$name" || true
  done | grep -v /shims/ || true
}

# python_find: the interpreter to use: the exact version, else the newest acceptable 3.12, else the newest acceptable.
python_find() {
  local candidate version found=""
  while IFS= read -r candidate; do
    version="$(python_version "$candidate")" || continue
    if [[ "$version" == "$PYTHON_VERSION" ]]; then
      printf '%s' "$candidate"
      return 0
    fi
    ! python_acceptable "$version" || found+="$([[ "$version" == 3.12.* ]] && echo 1 || echo 0) $version $candidate"$'\n'
  done < <(python_candidates)
  sort -V <<<"${found%$'\n'}" | tail -n 1 | cut -d' ' -f3-
}

# python_report VERSION: tell the summary the version, and warn where it is not the validated one.
python_report() {
  emit_setting python "$1"
  [[ "$1" == "${OPTION_DEFAULT[PYTHON_VERSION]}" ]] ||
    emit_warning "Python $1 is used, not the validated ${OPTION_DEFAULT[PYTHON_VERSION]}"
}

# venv_python_version: the version of a finished virtual environment that may stay; fails where there is none.
venv_python_version() {
  local version
  [[ -f "$VENV_DIR/$VENV_MARKER" ]] || return 1
  version="$(sed -n 's/^version *= *//p' "$VENV_DIR/pyvenv.cfg")"
  python_acceptable "$version" || return 1
  printf '%s' "$version"
}

python_check() {
  local interpreter version
  if version="$(venv_python_version)"; then
    emit_fact "$version, in the virtual environment"
    return 0
  fi
  interpreter="$(python_find)"
  [[ -n "$interpreter" ]] || {
    emit_fact "Python $PYTHON_VERSION is not installed"
    return 1
  }
  version="$(python_version "$interpreter")"
  python_report "$version"
  emit_fact "$version at $interpreter"
}

python_apply() {
  local root="${PYENV_ROOT:-$HOME/.pyenv}" builder
  builder="$(pyenv_builder "$root")"
  [[ -e "$root/versions/$PYTHON_VERSION" ]] || made folder "$root/versions/$PYTHON_VERSION"
  MAKE_OPTS="-j$(nproc)" PYTHON_BUILD_CURL_OPTS="${PYTHON_BUILD_CURL_OPTS:---retry 5 --connect-timeout 20}" \
    "$builder/bin/python-build" "$PYTHON_VERSION" "$root/versions/$PYTHON_VERSION"
}

# pyenv_builder ROOT: a python-build that knows the version: the user's pyenv, else the pinned one, fetched by commit.
pyenv_builder() {
  local home="$1" plugin=plugins/python-build
  if [[ ! -f "$home/$plugin/share/python-build/$PYTHON_VERSION" ]]; then
    [[ ! -e "$home" ]] || home="${XDG_DATA_HOME:-$HOME/.local/share}/rusteval/pyenv"
    pyenv_fetch "$home" >&2
  fi
  [[ -f "$home/$plugin/share/python-build/$PYTHON_VERSION" ]] ||
    die 20 "pyenv does not know Python $PYTHON_VERSION: choose another PYTHON_VERSION, such as ${OPTION_DEFAULT[PYTHON_VERSION]}"
  printf '%s' "$home/$plugin"
}

# pyenv_fetch FOLDER: the pinned commit, fetched aside and moved into place when it is complete.
pyenv_fetch() {
  [[ ! -d "$1" ]] || return 0
  made folder "$1"
  made folder "$1.partial"
  rm -rf -- "$1.partial"
  git init --quiet -- "$1.partial"
  GIT_TERMINAL_PROMPT=0 retry git -C "$1.partial" -c http.lowSpeedLimit=1000 -c http.lowSpeedTime=60 \
    fetch --quiet --depth 1 "$PYENV_URL" "$PYENV_COMMIT"
  git -C "$1.partial" checkout --quiet "$PYENV_COMMIT"
  mv -- "$1.partial" "$1"
}

venv_check() {
  local version
  version="$(venv_python_version)" || {
    emit_fact "not there yet, or of another Python: $VENV_DIR"
    return 1
  }
  if ! "$VENV_DIR/bin/python" -I -c "" || [[ "$("$VENV_DIR/bin/uv" --version)" != "uv $UV_PIN"* ]]; then
    emit_fact "its Python is gone, or it lacks uv $UV_PIN"
    return 1
  fi
  python_report "$version"
  emit_fact "$VENV_DIR, Python $version"
}

# venv_apply: virtual environments cannot be moved, so it is built in its place, marked as partial until the end;
# a finished one that must go is kept beside it until the new one is complete.
venv_apply() {
  local interpreter
  interpreter="$(python_find)"
  venv_make_room
  made folder "$VENV_DIR"
  mkdir -p -- "$VENV_DIR"
  : >"$VENV_DIR/$VENV_MARKER.partial"
  "$interpreter" -m venv "$VENV_DIR"
  "$VENV_DIR/bin/python" -m pip install "uv==$UV_PIN"
  mv -- "$VENV_DIR/$VENV_MARKER.partial" "$VENV_DIR/$VENV_MARKER"
  [[ ! -f "$VENV_DIR.previous/$VENV_MARKER" ]] || rm -rf -- "$VENV_DIR.previous"
}

# venv_make_room: remove or move what stands at VENV_DIR; nothing that this harness did not make is removed.
venv_make_room() {
  local aside
  if [[ -f "$VENV_DIR/$VENV_MARKER.partial" ]]; then
    rm -rf -- "$VENV_DIR"
  elif [[ -f "$VENV_DIR/$VENV_MARKER" ]]; then
    [[ ! -f "$VENV_DIR.previous/$VENV_MARKER" ]] || rm -rf -- "$VENV_DIR.previous"
    [[ -e "$VENV_DIR.previous" ]] || made folder "$VENV_DIR.previous"
    mv -T -- "$VENV_DIR" "$VENV_DIR.previous"
  elif [[ -f "$VENV_DIR/pyvenv.cfg" ]]; then
    aside="$VENV_DIR.before-rusteval-$(date -u +%Y%m%dT%H%M%SZ)"
    mv -- "$VENV_DIR" "$aside"
    echo "an older virtual environment was moved to $aside"
  elif [[ -e "$VENV_DIR" && -n "$(ls -A -- "$VENV_DIR")" ]]; then
    die 20 "$VENV_DIR is there and is no virtual environment: choose another VENV_DIR"
  fi
}

# venv_has ARGUMENT...: are these packages installed completely? (lib/installed.py)
venv_has() { "$VENV_DIR/bin/python" "$REPO_DIR/lib/installed.py" "$@"; }

# venv_imports MODULE...: can they be imported?
venv_imports() { "$VENV_DIR/bin/python" "$REPO_DIR/lib/proofs.py" imports "$@"; }

# venv_protect: whatever is installed from now on, by this harness or with the environment's pip, nothing replaces
# PyTorch or a pinned package.
venv_protect() {
  local -a locks=("$REPO_DIR/requirements.lock")
  [[ -n "$(vllm_left_out)" ]] || locks+=("$REPO_DIR/requirements-vllm.lock")
  venv_has --protect "${locks[@]}"
}

# venv_version PACKAGE: the version in its metadata, such as 2.7.1+cu128 (2.7.1 from the ordinary registry); empty without it.
venv_version() {
  local folder
  for folder in "$VENV_DIR"/lib/python3*/site-packages/"$1"-*.dist-info; do
    folder="${folder##*/"$1"-}"
    [[ "$folder" == "*.dist-info" ]] || printf '%s' "${folder%.dist-info}"
    return 0
  done
}

# uv_install_checked ARGUMENT...: install what venv_has would check, and replace what is damaged.
uv_install_checked() {
  local -a repairs
  mapfile -t repairs < <(venv_has --repair "$@" | sed '/^$/d')
  uv_install --no-deps "${repairs[@]}" "$@"
}

# uv_install ARGUMENT...: install into the virtual environment. Except for PyTorch itself, every caller passes
# --no-deps, and once PyTorch stands its constraints do: nothing replaces the build that fits the machine.
uv_install() { "$VENV_DIR/bin/python" "$REPO_DIR/lib/uv_install.py" "$@"; }

uv_remove() { "$VENV_DIR/bin/uv" pip uninstall --python "$VENV_DIR/bin/python" "$@"; }

# part_identity: what it depends on whether an optional part works: pins, PyTorch, the card and its driver.
part_identity() { printf '%s' "$(torch_row) vllm $(vllm_version) torch $(venv_version torch) on $GPU_NAME with $GPU_DRIVER"; }

# part_try PART PACKAGE: run PART_install, which ends with a proof (and chains its commands, since it runs in a
# condition). What does not work is removed again, and the outcome is remembered.
part_try() {
  local said outcome="works"
  said="$("$1_install" 2>&1)" || outcome="${said##*$'\n'}"
  printf '%s\n' "$said"
  [[ "$outcome" == works ]] || uv_remove "$2"
  printf '%s\n' "$(part_identity)" "${outcome:-it failed without a word}" "${RUN_DIR:-}" >"$VENV_DIR/$1.tried"
  [[ "$outcome" == works ]]
}

# part_outcome PART: "works", or why it did not when it was last tried; empty where it is to be tried: never yet, with
# other versions or another card, or since the user names it with --only.
part_outcome() {
  local -a noted=()
  [[ ! -r "$VENV_DIR/$1.tried" ]] || mapfile -t noted <"$VENV_DIR/$1.tried"
  [[ "${noted[0]:-}" == "$(part_identity)" ]] || return 0
  [[ "${noted[1]}" != works && ",${ONLY:-}," == *",$1,"* && "${noted[2]:-}" != "${RUN_DIR:-}" ]] || printf '%s' "${noted[1]}"
}

# part_require PART TITLE INSTEAD: ends a check unless PART was proved to work: satisfied and said to the summary where
# it was tried in vain and INSTEAD takes its place, else open.
part_require() {
  local outcome
  outcome="$(part_outcome "$1")"
  [[ "$outcome" != works ]] || return 0
  emit_fact "${outcome:-not proved to work yet}"
  [[ -n "$outcome" && -n "$3" ]] || exit 1
  emit_fallback "$3: $outcome"
  emit_warning "$2 could not be set up and is left out: $outcome (to try again: --only $1)"
  emit_fact "left out, so $3 takes its place: $outcome"
  exit 0
}
