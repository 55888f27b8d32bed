#!/usr/bin/env bash
# From a fresh machine to a finished comparison of a base model and its Rust fine-tune on HumanEval-Rust.
# Usage: eval_setup.sh --help. Everything is a function until the last line, so a truncated copy does nothing.
set -Eeuo pipefail
shopt -s inherit_errexit

usage() {
  cat <<TEXT
Usage: [VARIABLE=value...] $SETUP_COMMAND [MODE] [--demo] [--foreground]

Sets this machine up and evaluates a base model and its Rust fine-tune on HumanEval-Rust.

Modes (without one: set up what is missing, then evaluate):
  --plan              say what a run would find and do; write nothing
  --check             only the preflight: everything about this machine that would stop a run
  --doctor            prove that each installed part works
  --status            how far set-up and evaluation are
  --attach            go to the evaluation's tmux session
  --options-markdown  the table of variables, for the README
  --version, --help

  --demo              the whole way in minutes with two tiny models: no graphics card, token or account
  --foreground        without tmux; ends with the evaluation's own exit code

Variables:
$(options_text)

Exit codes: 0 done, 2 configuration, 10 preflight, 20 a step failed, 40 no sandbox, 50 the evaluation did not start,
51 the evaluation failed, 75 another run is at work, 130 interrupted.
TEXT
}

# parse_flags ARGUMENT...: sets MODE and FOREGROUND; every flag that is not known is reported.
parse_flags() {
  local flag
  local -a wrong=()
  MODE=run FOREGROUND=0
  for flag in "$@"; do
    case "$flag" in
      --demo) ;; # read before the options are
      --foreground) FOREGROUND=1 ;;
      --plan | --check | --doctor | --status | --attach | --options-markdown | --version | --help | -h)
        [[ "$MODE" == run ]] || wrong+=("$flag and --$MODE exclude each other")
        MODE="${flag#--}"
        ;;
      *) wrong+=("unknown argument: $flag (see $SETUP_COMMAND --help)") ;;
    esac
  done
  ((${#wrong[@]} == 0)) || die 2 "${wrong[@]}"
}

# run: preflight, questions, steps, evaluation.
run() {
  local code=0
  say "Preflight:"
  preflight_run
  preflight_show all || code=$?
  ((code == 0)) || die "$code" "this machine does not fit; nothing was changed"
  # shellcheck disable=SC2034  # read by lib/tmux.sh
  USE_TMUX=0 REPLACE_SESSION=0 ATTACH=0
  if [[ "$DEMO" == 0 && "$FOREGROUND" == 0 ]]; then ui_questions; fi
  runner_start
  say "Logs: $RUN_DIR"
  runner_run "${STEPS[@]}"
  runner_summary ready
  evaluate
}

# evaluate: in tmux, or here. Where the user chose the foreground, the evaluation's own exit code is returned.
evaluate() {
  local code=0
  if [[ "$USE_TMUX" == 1 ]] && command -v tmux >/dev/null; then
    tmux_evaluate
    return 0
  fi
  evaluation_prepare
  evaluation_foreground || code=$?
  ((code == 0)) || [[ "$DEMO" == 1 || "$FOREGROUND" == 1 || "$code" == 130 ]] || code=51
  return "$code"
}

main() {
  local repo
  if ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] < 501)); then
    echo "error: bash 5.1 or newer is needed (this is $BASH_VERSION)" >&2
    exit 2
  fi
  SETUP_COMMAND="$0"
  repo="$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")"
  # shellcheck source=lib/step_main.sh
  source "$repo/lib/step_main.sh"
  DEMO_FLAG=0
  [[ " $* " != *" --demo "* ]] || DEMO_FLAG=1
  RECALL=""
  [[ " $* " != *" --status "* ]] || RECALL=recall
  harness_load "$repo" "$PWD" "$DEMO_FLAG" "$RECALL"
  parse_flags "$@"
  case "$MODE" in
    help | -h) usage && exit 0 ;;
    version) sed -n 's/^version = "\(.*\)"/rusteval \1/p' "$repo/pyproject.toml" && exit 0 ;;
    options-markdown) options_markdown && exit 0 ;;
    *) ((${#OPTION_ERRORS[@]} == 0)) || die 2 "${OPTION_ERRORS[@]}" ;;
  esac
  [[ "$MODE" != attach ]] || {
    tmux_attach
    exit 0
  }
  ui_init
  environment_detect
  case "$MODE" in
    run) run ;;
    check) preflight_run && preflight_show all ;;
    plan) preflight_run && status_plan ;;
    doctor) preflight_run && status_doctor ;;
    status) status_show ;;
    *) die 2 "internal: mode $MODE" ;;
  esac
}

{
  main "$@"
  exit
}
