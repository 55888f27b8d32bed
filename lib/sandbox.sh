# shellcheck shell=bash
# Steps "sandbox" (a launcher is installed) and "sandbox_proof" (it really contains: the judge's own self-test).

# sandbox_command NAME: the program of a back end.
sandbox_command() {
  case "$1" in
    bubblewrap) printf 'bwrap' ;;
    *) printf '%s' "$1" ;;
  esac
}

# sandbox_package NAME: the Debian package of a back end.
sandbox_package() {
  case "$1" in
    docker) printf 'docker.io' ;;
    *) printf '%s' "$1" ;;
  esac
}

# sandbox_wanted: the back ends that this run installs. Docker only by name: it needs an engine and images.
sandbox_wanted() {
  if [[ "$SANDBOX_MODE" == auto ]]; then
    printf '%s\n' "${SANDBOX_PACKAGES[@]}"
  else
    printf '%s\n' "$SANDBOX_MODE"
  fi
}

# sandbox_installed: those of them that are installed, separated by spaces.
sandbox_installed() {
  local tool names=""
  while read -r tool; do
    command -v "$(sandbox_command "$tool")" >/dev/null && names+="${names:+ }$tool"
  done < <(sandbox_wanted)
  printf '%s' "$names"
}

sandbox_check() {
  local names
  if [[ "$SANDBOX_MODE" == none ]]; then
    emit_setting sandbox none
    emit_warning "SANDBOX_MODE=none: generated code runs without isolation"
    emit_fact "switched off by SANDBOX_MODE=none"
    return 0
  fi
  names="$(sandbox_installed)"
  emit_fact "${names:-none installed}"
  [[ -n "$names" ]] || return 40
}

sandbox_apply() {
  if [[ "$SANDBOX_MODE" == auto ]]; then
    apt_install "${SANDBOX_PACKAGES[@]}"
  else
    apt_install "$(sandbox_package "$SANDBOX_MODE")"
  fi
}

# sandbox_doctor: the judge's own self-test of the sandbox that this run will use.
sandbox_doctor() { PATH="$(rust_path)" "$VENV_DIR/bin/rusteval" doctor --sandbox-mode "$SANDBOX_MODE"; }

sandbox_proof_check() {
  local report code=0
  if [[ "$SANDBOX_MODE" == none ]]; then
    emit_fact "nothing to test: SANDBOX_MODE=none"
    return 0
  fi
  # a check changes nothing: Docker's images are built by the step itself
  report="$(RUSTEVAL_DOCKER_BUILD=0 sandbox_doctor)" || code=$?
  case "$code" in
    0) emit_fact "${report##* } contains what it must" ;;
    3) emit_fact "no sandbox passes it" ;;
    *) emit_fact "it could not be run" ;;
  esac
  ((code != 3)) || code=40
  return "$code"
}

# sandbox_proof_apply: Docker's images are built now; in auto a second launcher may pass where the first does not.
# The judge's exit code 3 (no acceptable sandbox) becomes 40 here, anything else is an ordinary failure.
sandbox_proof_apply() {
  local -a missing=()
  local code=0
  if [[ "$SANDBOX_MODE" == docker ]]; then
    sandbox_doctor || code=$?
    ((code != 3)) || code=40
    return "$code"
  fi
  if [[ "$SANDBOX_MODE" == auto ]]; then
    mapfile -t missing < <(packages_missing "${SANDBOX_PACKAGES[@]}")
  fi
  ((${#missing[@]})) || {
    echo "every sandbox of SANDBOX_MODE=$SANDBOX_MODE is installed, and none passes its self-test" >&2
    return 40
  }
  apt_install "${missing[@]}"
}
