#!/usr/bin/env bash
# Steps "packages" (requirements.lock) and "ecosystem" (human-eval-rust, sigil-pipeline, sigilderg-finetuner).
# Run by itself: lib/sigilderg.sh setup | evaluate FILE

packages_check() { venv_has -r "$REPO_DIR/requirements.lock"; }

packages_apply() { UV_REQUIRE_HASHES=1 uv_install_checked -r "$REPO_DIR/requirements.lock"; }

# ecosystem_skips VERSION LOWEST_PYTHON: is a package left out, since this Python (outside the validated regime) is too old?
ecosystem_skips() {
  ! regime_is_validated && ! version_ge "$1" "$2"
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
  local package version source log
  IFS='|' read -r package version _ _ source <<<"$1"
  log="$(mktemp)"
  if uv_install_checked "$package==$version" 2>&1 | tee "$log"; then
    rm -f -- "$log"
    return 0
  fi
  grep -qiE 'no version of|not found in the (package )?registry|no matching distribution' "$log" || {
    rm -f -- "$log"
    return 1
  }
  rm -f -- "$log"
  echo "the package registry lacks $package $version: taking its source from $source"
  uv_install --no-deps "$package @ git+$source@v$version"
}

# sigilderg_main setup | evaluate FILE [OPTION...]
sigilderg_main() {
  local library
  library="$(cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")" && pwd)"
  # shellcheck source=lib/step_main.sh disable=SC1091  # found beside this file
  source "$library/step_main.sh"
  harness_load "$library/.." "$PWD" 0
  ((${#OPTION_ERRORS[@]} == 0)) || die 2 "${OPTION_ERRORS[@]}"
  case "${1:-}:$#" in
    setup:1)
      ui_init
      environment_detect
      runner_start
      runner_run system_deps python venv torch packages ecosystem rust sandbox driver sandbox_proof
      ;;
    evaluate:*)
      (($# >= 2)) || die 2 "evaluate needs a sample file"
      [[ -x "$VENV_DIR/bin/rusteval" ]] || die 20 "there is no $VENV_DIR/bin/rusteval: run eval_setup.sh first"
      exec "$VENV_DIR/bin/rusteval" score "${@:2}"
      ;;
    *) die 2 "usage: lib/sigilderg.sh setup | evaluate FILE [OPTION of rusteval score]..." ;;
  esac
}

if ! (return 0 2>/dev/null); then # run, not sourced
  set -Eeuo pipefail
  shopt -s inherit_errexit
  sigilderg_main "$@"
fi
