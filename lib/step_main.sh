#!/usr/bin/env bash
# Loads the harness, and as a program runs one verb of one step: step_main.sh check|apply STEP.
# Every verb has a process of its own, so that errexit holds inside it: bash switches errexit off in whatever a
# condition calls.

# harness_load REPO INVOCATION_DIR DEMO [recall]: source the table and every library, and read the options, with
# "recall" those of the last run where the user sets none.
harness_load() {
  local file
  REPO_DIR="$(cd -- "$1" && pwd)"
  for file in logging options environment preflight network download runner ui system_deps python_env pytorch sigilderg \
    vllm rust sandbox cli_tools evaluation tmux status uninstall; do
    # shellcheck disable=SC1090  # the names are the list above
    source "$REPO_DIR/lib/$file.sh"
  done
  # shellcheck source=eval_setup_config.sh disable=SC1091  # found in the repository
  source "$REPO_DIR/eval_setup_config.sh"
  export LC_ALL=C.UTF-8 # messages that this harness reads are in English, and numbers have a decimal point
  log_init
  INVOCATION_DIR="$2" DEMO="$3"
  [[ -n "${HOME:-}" ]] || HOME="$(getent passwd "$EUID" | cut -d: -f6)" || true
  [[ "$HOME" == /* ]] || die 2 "HOME is ${HOME:-not set}: set it to a folder of yours, by its whole path"
  export HOME
  # shellcheck disable=SC2034  # read by the libraries
  STATE_DIR="$(absolute_path "${XDG_STATE_HOME:-$HOME/.local/state}" "$2")/rusteval"
  [[ -z "${4:-}" ]] || options_recall "$STATE_DIR/latest/options"
  export INVOCATION_DIR DEMO
  options_load "$2" "$DEMO"
}

# What a check tells the runner, besides its exit status: one line of fact, settings, warnings.
emit_fact() { printf '%s\n' "$1"; }
emit_setting() { printf '@set %s %s\n' "$1" "$2"; }
emit_fallback() { printf '@fallback %s\n' "$1"; }
emit_warning() { printf '@warning %s\n' "$1"; }

step_main() {
  local explicit="$EXPLICIT_OPTIONS"
  harness_load "$(dirname -- "${BASH_SOURCE[0]}")/.." "$INVOCATION_DIR" "$DEMO"
  EXPLICIT_OPTIONS="$explicit" # the parent has exported every option, so all would look explicit here
  unset HF_TOKEN VIRTUAL_ENV PYTHONHOME PYTHONPATH PIP_TARGET PIP_PREFIX PIP_USER PIP_REQUIRE_VIRTUALENV
  trap 'echo "failed at ${BASH_SOURCE[0]##*/}:$LINENO: $BASH_COMMAND" >&2' ERR
  cd /
  "${2}_$1"
}

if [[ "${BASH_SOURCE[0]}" == "$0" ]]; then
  set -Eeuo pipefail
  shopt -s inherit_errexit
  step_main "$@"
fi
