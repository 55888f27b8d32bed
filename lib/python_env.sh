# shellcheck shell=bash
# Steps "python" (an interpreter, built with pyenv where there is none) and "venv" (the virtual environment with uv),
# and the one way in which packages are installed into it.

# python_version INTERPRETER: its version, if it runs and its standard library is complete; else fails.
python_version() {
  "$1" -I -c '
import bz2, ctypes, lzma, sqlite3, ssl, sys, venv, zlib
print("%d.%d.%d" % sys.version_info[:3])' 2>/dev/null </dev/null
}

python_has_ensurepip() { "$1" -I -c 'import ensurepip' 2>/dev/null </dev/null; }

# python_acceptable VERSION: the version asked for; or, outside the validated regime and where the user named none,
# any that the pinned packages have wheels for.
python_acceptable() {
  [[ "$1" != "$PYTHON_VERSION" ]] || return 0
  ! regime_is_validated && ! option_is_explicit PYTHON_VERSION &&
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
  local candidate version best="" best_rank="" rank
  while IFS= read -r candidate; do
    version="$(python_version "$candidate")" || continue
    if [[ "$version" == "$PYTHON_VERSION" ]]; then
      printf '%s' "$candidate"
      return 0
    fi
    python_acceptable "$version" || continue
    rank="0.${version#3.}"
    [[ "$version" != 3.12.* ]] || rank="1.${version#3.}"
    if [[ -z "$best" ]] || ! version_ge "$best_rank" "$rank"; then
      best="$candidate" best_rank="$rank"
    fi
  done < <(python_candidates)
  printf '%s' "$best"
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
  MAKE_OPTS="-j$(nproc)" "$builder/bin/python-build" "$PYTHON_VERSION" "$root/versions/$PYTHON_VERSION"
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
  rm -rf -- "$1.partial"
  git init --quiet -- "$1.partial"
  git -C "$1.partial" fetch --quiet --depth 1 "$PYENV_URL" "$PYENV_COMMIT"
  git -C "$1.partial" checkout --quiet "$PYENV_COMMIT"
  mv -- "$1.partial" "$1"
}

venv_check() {
  local version
  version="$(venv_python_version)" || {
    emit_fact "not there yet, or of another Python: $VENV_DIR"
    return 1
  }
  "$VENV_DIR/bin/python" -I -c "" || {
    emit_fact "its Python is gone"
    return 1
  }
  if [[ "$("$VENV_DIR/bin/uv" --version)" != "uv $UV_PIN"* ]]; then
    emit_fact "lacks uv $UV_PIN"
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
    mv -- "$VENV_DIR" "$VENV_DIR.previous"
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

# venv_build PACKAGE: the version that a package of PyTorch's family was built as, such as 2.7.1+cu128; empty without it.
venv_build() {
  sed -n "s/^__version__ = '\(.*\)'/\1/p" "$VENV_DIR"/lib/python3*/site-packages/"$1"/version.py 2>/dev/null || true
}

# uv_install_checked ARGUMENT...: install what venv_has would check, and replace what is damaged.
uv_install_checked() {
  local -a repairs
  mapfile -t repairs < <(venv_has --repair "$@" | sed '/^$/d')
  uv_install --no-deps "${repairs[@]}" "$@"
}

# uv_install ARGUMENT...: install into the virtual environment. Except for PyTorch itself, every caller passes
# --no-deps, so nothing can replace the PyTorch that fits the machine.
uv_install() {
  uv_use_pip_settings
  UV_PYTHON_DOWNLOADS=never UV_NO_PROGRESS=1 UV_HTTP_TIMEOUT="${UV_HTTP_TIMEOUT:-120}" \
    "$VENV_DIR/bin/uv" pip install --python "$VENV_DIR/bin/python" "$@"
}

# uv_use_pip_settings: uv reads neither pip.conf nor PIP_*; give it the user's registries unless it has its own.
# pip weighs all its registries alike, hence the index strategy.
uv_use_pip_settings() {
  local line key
  local -A found=()
  [[ -z "${UV_DEFAULT_INDEX:-}${UV_INDEX:-}${UV_INDEX_URL:-}${UV_EXTRA_INDEX_URL:-}${UV_CONFIG_FILE:-}" ]] || return 0
  while IFS= read -r line; do
    key="${line%%=*}" line="${line#*=}"
    line="${line#[\'\"]}" line="${line%[\'\"]}"
    found[$key]="${line//\\n/ }"
  done < <("$VENV_DIR/bin/python" -m pip config list)
  uv_take_setting UV_DEFAULT_INDEX index-url " "
  uv_take_setting UV_INDEX extra-index-url " "
  uv_take_setting UV_FIND_LINKS find-links ","
  uv_take_setting UV_INSECURE_HOST trusted-host " "
  uv_take_setting UV_NO_INDEX no-index " "
  uv_take_setting SSL_CERT_FILE cert " "
  export UV_INDEX_STRATEGY="${UV_INDEX_STRATEGY:-unsafe-best-match}"
}

# uv_take_setting VARIABLE KEY SEPARATOR: pip's KEY, by its order of weight, unless the user set VARIABLE.
uv_take_setting() {
  local value="${found[":env:.$2"]:-${found["install.$2"]:-${found["global.$2"]:-}}}"
  [[ -z "$value" || -n "${!1:-}" ]] || export "$1=${value// /$3}"
}
