#!/usr/bin/env bash
# Gives the harness the cases of fuzz_options.py in the present folder, each in a process of its own, and writes results.
# Usage: fuzz_options.bash PROJECT types|load|command|evaluation|recall
set -Eeuo pipefail
shopt -s inherit_errexit
PROJECT="$1" VERB="$2"

# each_case COMMAND...: run it for each case, with the case's values exported.
each_case() {
  local field
  local -a case=()
  while IFS= read -r -d '' field; do
    if [[ -n "$field" ]]; then
      case+=("$field")
      continue
    fi
    (
      for field in "${case[@]}"; do export "${field?}"; done
      "$@"
    )
    case=()
  done <cases
}

# values: of all options, each ended by a zero byte.
values() {
  local name
  while read -r name _; do printf '%s\0' "${!name:-}"; done <types
}

# load: what the harness makes of the values: how many errors, the errors, the values.
load() {
  options_load "$PWD" 0
  printf '%s\0' "${#OPTION_ERRORS[@]}" "${OPTION_ERRORS[@]}"
  values
}

# command: the same from what the command itself says.
command_says() {
  local code=0
  local -a lines
  "$PROJECT/eval_setup.sh" --check >output 2>errors </dev/null || code=$?
  [[ "$code" == 2 && ! -s output ]] || echo "exit code $code: $(<output)" >>errors
  mapfile -t lines <errors
  printf '%s\0' "${#lines[@]}" "${lines[@]#error: }"
  values
}

# evaluation: what arrives in the arguments and the environment of the evaluation, for those that go there.
evaluation() {
  local name flag
  local -A given=()
  options_load "$PWD" 0
  mkdir -p "$VENV_DIR/bin"
  cp "$RUSTEVAL_ARGUMENTS.program" "$VENV_DIR/bin/python"
  evaluation_prepare
  bash "$RUN_DIR/launch.sh" >messages 2>&1 3>&- || cat messages >&2
  while IFS= read -r -d '' name && IFS= read -r -d '' flag; do given[$name]="$flag"; done <"$RUSTEVAL_ARGUMENTS"
  for name in "${OPTION_NAMES[@]}"; do
    flag="${name,,}" flag="--${flag//_/-}"
    [[ -z "${given[$flag]:-}" ]] || export "$name=${given[$flag]}"
  done
  HF_TOKEN="${given[HF_TOKEN]:-}"
  printf '0\0'
  values
}

# recall: what a later command knows of a run's options; the token and addresses with a password are not among that.
recall() {
  local token="${HF_TOKEN:-}" index="${TORCH_INDEX:-}"
  DEMO=0
  options_load "$PWD" 0
  options_remember >remembered
  [[ -z "$token" ]] || ! grep -F "HF_TOKEN" remembered
  unset "${OPTION_NAMES[@]}"
  [[ "$index" != *://*@* ]] || ! grep -F "TORCH_INDEX" remembered
  options_recall remembered
  HF_TOKEN="$token"
  [[ "$index" != *://*@* ]] || TORCH_INDEX="$index"
  load
}

# shellcheck source=lib/step_main.sh disable=SC1091  # found in the project
source "$PROJECT/lib/step_main.sh"
harness_load "$PROJECT" "$PWD" 0
unset "${OPTION_NAMES[@]}"
OPTION_ERRORS=()
case "$VERB" in
  types)
    for name in "${OPTION_NAMES[@]}"; do echo "$name ${OPTION_TYPE[$name]}"; done >types
    ;;
  evaluation)
    # shellcheck disable=SC2034  # read by the libraries: vLLM is there, so ENGINE=auto stays what it is
    declare -A SETTINGS=([vllm]=there)
    RUN_DIR="$PWD/run" STATE_DIR="$PWD/state"
    export RUSTEVAL_ARGUMENTS="$PWD/arguments"
    mkdir "$RUN_DIR" "$STATE_DIR"
    # shellcheck disable=SC2016  # expanded by the stand-in
    printf '#!/bin/bash\nprintf "%%s\\0" HF_TOKEN "${HF_TOKEN:-}" "${@:3}" >"$RUSTEVAL_ARGUMENTS"\n' >arguments.program
    chmod +x arguments.program
    each_case evaluation >results
    ;;
  command) each_case command_says >results ;;
  *) each_case "$VERB" >results ;;
esac
