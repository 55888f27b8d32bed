#!/usr/bin/env bash
# From a fresh machine to a finished comparison of a base model and its Rust fine-tune on HumanEval-Rust.
# Usage: eval_setup.sh --help. Everything is a function until the last line, so a truncated copy does nothing.
set -Eeuo pipefail
shopt -s inherit_errexit

usage() {
  cat <<TEXT
Usage: [VARIABLE=value...] $SETUP_COMMAND [MODE] [--demo] [--foreground] [--json]

Sets this machine up and evaluates a base model and its Rust fine-tune on HumanEval-Rust.

Modes (without one: set up what is missing, then evaluate):
  --plan              say what a run would find and do; write nothing
  --check             only the preflight: everything about this machine that would stop a run
  --doctor            prove that each installed part works
  --status            how far set-up and evaluation are, or how they ended
  --attach            go to the evaluation's tmux session
  --logs [NAME]       the last run's log, or that of a step or of the evaluation; --follow waits for more
  --stop              end a set-up or an evaluation that is at work; what the evaluation has is saved
  --uninstall         remove what this command made on this machine; with --plan only say what that is
  --options-markdown  the table of variables, for the README
  --version, --help

  --demo              the whole way in minutes with two tiny models: no graphics card, token or account
  --foreground        without tmux; ends with the evaluation's own exit code
  --only STEP,...     only these steps of the set-up, and no evaluation
  --from STEP         this step and all after it, then the evaluation
  --json              one JSON object on standard output, messages on standard error (with a run, --check, --plan,
                      --doctor, --status, --stop, --uninstall)

Variables:
$(options_text)

Exit codes: 0 done, 2 configuration, 10 preflight, 20 a step failed, 40 no sandbox, 50 the evaluation did not start,
51 the evaluation failed, 75 another run is at work, 130 interrupted.
TEXT
}

# parse_flags ARGUMENT...: sets MODE and what belongs to it; whatever is wrong goes to OPTION_ERRORS.
# shellcheck disable=SC2034  # read by lib/
parse_flags() {
  MODE=run FOREGROUND=0 ONLY="" FROM="" LOG_NAME="" FOLLOW=0 DRY_RUN=0
  while (($#)); do
    case "$1" in
      --demo | --json) ;; # read before the options are
      --foreground) FOREGROUND=1 ;;
      --follow) FOLLOW=1 ;;
      --only=* | --from=*) set -- "${1%%=*}" "${1#*=}" "${@:2}" && continue ;;
      --only | --from)
        [[ -n "${2:-}" && "$2" != -* ]] || OPTION_ERRORS+=("$1 needs the name of a step")
        if [[ "$1" == --only ]]; then ONLY="${2:-}"; else FROM="${2:-}"; fi
        (($# < 2)) || shift
        ;;
      --logs=*) set -- "${1%%=*}" "${1#*=}" "${@:2}" && continue ;;
      --plan | --check | --doctor | --status | --attach | --logs | --stop | --uninstall | --options-markdown | --version | --help | -h)
        parse_mode "${1#--}"
        if [[ "$1" == --logs && -n "${2:-}" && "$2" != -* ]]; then LOG_NAME="$2" && shift; fi
        ;;
      *) OPTION_ERRORS+=("unknown argument: $1 (see $SETUP_COMMAND --help)") ;;
    esac
    shift
  done
}

# parse_mode MODE: one mode at a time, but --plan goes with --uninstall, and --help with anything.
# shellcheck disable=SC2034  # read by lib/
parse_mode() {
  case "$MODE+$1" in
    run+* | "$1+$1") MODE="$1" ;;
    *+help | *+-h) MODE=help ;;
    help+* | -h+*) ;;
    plan+uninstall | uninstall+plan) MODE=uninstall DRY_RUN=1 ;;
    *) OPTION_ERRORS+=("--$1 and --$MODE exclude each other") ;;
  esac
}

# check_flags: flags that mean something in some modes alone.
check_flags() {
  [[ -z "$ONLY$FROM" || "$MODE" == run || "$MODE" == plan ]] || OPTION_ERRORS+=("--only and --from go with a run and --plan")
  [[ -z "$ONLY" || -z "$FROM" ]] || OPTION_ERRORS+=("--only and --from exclude each other")
  [[ "$FOLLOW" == 0 || "$MODE" == logs ]] || OPTION_ERRORS+=("--follow goes with --logs")
  [[ -z "$ONLY" ]] || FOREGROUND=1 # there is nothing to ask about tmux
  [[ "$JSON" == 0 || ! "$MODE" =~ ^(attach|logs|version|options-markdown)$ ]] || OPTION_ERRORS+=("--json does not go with --$MODE")
  ((${#OPTION_ERRORS[@]} == 0)) || die 2 "${OPTION_ERRORS[@]}"
}

# run: preflight, questions, steps, evaluation.
run() {
  local code=0
  say "Preflight:"
  preflight_run
  json_part validated_regime "$(regime_is_validated && echo true || echo false)"
  json_part findings "$(findings_json)"
  preflight_show all || code=$?
  ((code == 0)) || die "$code" "this machine does not fit; nothing was changed"
  ui_questions
  runner_start
  say "Logs: $RUN_DIR"
  runner_run "${STEPS[@]}"
  [[ -z "$ONLY" ]] || return 0
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
  if [[ ! -d "${PWD:-}" ]]; then
    echo "error: the present folder is gone: cd to one that is there" >&2
    exit 2
  fi
  SETUP_COMMAND="$0"
  repo="$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")"
  if [[ ! -r "$repo/lib/step_main.sh" ]]; then
    echo "error: this command needs the whole repository, and $repo is not it: clone it, and run ./eval_setup.sh there" >&2
    exit 2
  fi
  # shellcheck source=lib/step_main.sh
  source "$repo/lib/step_main.sh"
  DEMO_FLAG=0 RECALL="" JSON=0
  [[ " $* " != *" --demo "* ]] || DEMO_FLAG=1
  [[ " $* " != *" --status "* ]] || RECALL=recall
  trap 'exit 130' INT TERM HUP
  if [[ " $* " == *" --json "* ]]; then
    JSON=1
    exec 8>&1 1>&2 # whoever starts something that outlives this process closes 8
    trap 'json_end "$?"' EXIT
  fi
  harness_load "$repo" "$PWD" "$DEMO_FLAG" "$RECALL"
  parse_flags "$@"
  case "$MODE" in
    help | -h) usage ;;
    version) sed -n 's/^version = "\(.*\)"/rusteval \1/p' "$repo/pyproject.toml" ;;
    options-markdown) options_markdown ;;
    *)
      check_flags
      main_mode
      ;;
  esac
}

# main_mode: what MODE stands for.
main_mode() {
  ui_init
  runner_load_table
  runner_select
  [[ "$MODE" =~ ^(attach|logs|stop|uninstall)$ ]] || environment_detect
  case "$MODE" in
    attach) tmux_attach ;;
    logs) logs_show ;;
    stop) stop_all ;;
    uninstall) uninstall ;;
    status) status_show ;;
    run) run ;;
    *) look ;;
  esac
}

# look: the preflight, and with it what --check, --plan or --doctor shows; writes nothing.
look() {
  local code=0
  say "Preflight:"
  preflight_run
  json_part validated_regime "$(regime_is_validated && echo true || echo false)"
  json_part findings "$(findings_json)"
  preflight_show all || code=$?
  case "$MODE" in
    plan) status_plan ;;
    doctor)
      status_doctor
      return
      ;;
    *) ;;
  esac
  return "$code"
}

{
  main "$@"
  exit
}
