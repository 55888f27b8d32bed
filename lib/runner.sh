# shellcheck shell=bash
# Runs the steps: check, apply where needed, check again. One run at a time; a log per step; a summary as JSON after
# every step. Whether a step is done is decided by its check alone, so a run that was killed is simply run again.

# runner_table: the steps in order: id|title|optional.
runner_table() {
  cat <<TABLE
system_deps|System packages|
python|Python|
venv|Virtual environment|
torch|PyTorch|
flash_attn|FlashAttention 2|optional
packages|Pinned packages|
vllm|vLLM|$(vllm_is_required || echo optional)
ecosystem|SigilDERG packages|
rust|Rust|
sandbox|Sandbox|
cli_tools|gh and hf|optional
driver|Evaluation driver|
sandbox_proof|Sandbox self-test|
TABLE
  # shellcheck disable=SC2153  # DEMO comes from harness_load
  [[ "$DEMO" == 0 ]] || echo "demo_models|Demo models|"
}

# runner_load_table: fill STEPS and its details from the table.
runner_load_table() {
  local id title optional
  declare -ga STEPS=()
  declare -gA WARNED=() STEP_TITLE=() STEP_OPTIONAL=() STEP_STATUS=() STEP_TOOK=() STEP_FALLBACK=() STEP_WARNINGS=() SETTINGS=()
  while IFS='|' read -r id title optional; do
    STEPS+=("$id")
    STEP_TITLE[$id]="$title" STEP_OPTIONAL[$id]="$optional" STEP_STATUS[$id]="not-run"
  done < <(runner_table)
}

# runner_start: take the lock and make the folder of this run.
runner_start() {
  mkdir -p -- "$STATE_DIR/runs" || die 2 "cannot write to $STATE_DIR: set XDG_STATE_HOME to a folder that you can write to"
  runner_lock
  RUN_DIR="$STATE_DIR/runs/$(date -u +%Y%m%dT%H%M%SZ)-$$"
  mkdir -m 700 -- "$RUN_DIR"
  ln -sfn -- "$RUN_DIR" "$STATE_DIR/latest"
  options_remember >"$RUN_DIR/options"
  export RUN_DIR STATE_DIR
  runner_load_table
  CHILD=""
  trap 'runner_interrupted' INT TERM HUP
}

# runner_lock: descriptor 9 holds the lock. Steps inherit it, so that one that outlives a killed run still keeps others
# out; whatever stays (tmux, daemons) is started without it.
runner_lock() {
  local holder=""
  exec 9>>"$STATE_DIR/lock"
  if ! flock -n 9; then
    [[ ! -r "$STATE_DIR/holder" ]] || holder="$(<"$STATE_DIR/holder")"
    die 75 "another run is at work (process ${holder:-unknown}): wait until it has finished, or stop it with: kill ${holder%% *}"
  fi
  echo "$$" >"$STATE_DIR/holder"
}

# runner_interrupted: stop the step at work, write the summary, say how to go on.
runner_interrupted() {
  trap '' INT TERM HUP
  if [[ -n "$CHILD" ]]; then
    kill -TERM -- "-$CHILD" 2>/dev/null || true
    wait "$CHILD" 2>/dev/null || true
  fi
  runner_summary interrupted
  say_error "interrupted${CURRENT_STEP:+ in step $CURRENT_STEP}; run the same command to go on from there"
  exit 130
}

# runner_check STEP LOG: run a step's check; its findings go to STEP_FACT, SETTINGS, STEP_WARNINGS and STEP_FALLBACK.
runner_check() {
  local output line code=0
  output="$(bash "$REPO_DIR/lib/step_main.sh" check "$1" 2>>"$2" </dev/null)" || code=$?
  STEP_FACT="" STEP_WARNINGS[$1]=""
  while IFS= read -r line; do
    case "$line" in
      "@set "*)
        line="${line#@set }"
        SETTINGS[${line%% *}]="${line#* }"
        ;;
      "@warning "*) STEP_WARNINGS[$1]+="${line#@warning }"$'\n' ;;
      "@fallback "*) STEP_FALLBACK[$1]="${line#@fallback }" ;;
      *) [[ -z "$line" ]] || STEP_FACT="$line" ;;
    esac
  done <<<"$output"
  return "$code"
}

# runner_apply STEP LOG: run a step's apply in a process group of its own, with a sign of life twice a minute.
runner_apply() {
  local ticker ended code started="$SECONDS"
  setsid bash "$REPO_DIR/lib/step_main.sh" apply "$1" >>"$2" 2>&1 </dev/null &
  CHILD=$!
  echo "$CHILD (step $1)" >"$STATE_DIR/holder"
  while true; do
    sleep "${RUSTEVAL_HEARTBEAT:-30}" >/dev/null 2>&1 9>&- &
    ticker=$!
    code=0
    wait -n -p ended "$CHILD" "$ticker" || code=$?
    [[ "$ended" != "$CHILD" ]] || break
    say "        still at work: ${STEP_TITLE[$1]}, $((SECONDS - started)) s so far (log: $2)"
  done
  kill "$ticker" 2>/dev/null || true
  wait "$ticker" 2>/dev/null || true
  CHILD=""
  echo "$$" >"$STATE_DIR/holder"
  return "$code"
}

# runner_run STEP...: all of them, in order; ends the program at the first that fails.
runner_run() {
  local id number=0
  for id in "$@"; do
    number=$((number + 1))
    CURRENT_STEP="$id"
    runner_step "$id" "$(printf '[%2d/%d]' "$number" "$#")"
    runner_summary running
  done
  CURRENT_STEP=""
}

# runner_step STEP LABEL
runner_step() {
  local id="$1" label="$2 ${STEP_TITLE[$1]}" log code=0 checked=0 started="$EPOCHREALTIME"
  log="$RUN_DIR/$id.log"
  runner_check "$id" "$log" || checked=$?
  if ((checked == 0)); then
    runner_done "$id" ok "$started" "$label: $STEP_FACT"
    return 0
  fi
  say "$label: at work (${STEP_FACT:-not there yet})"
  [[ "$id" != torch && "$id" != vllm ]] || say "        ${STEP_TITLE[$id]} is large; this can take some minutes"
  runner_apply "$id" "$log" || code=$?
  if ((code == 0)); then
    if runner_check "$id" "$log"; then
      runner_done "$id" "done" "$started" "$label: $STEP_FACT"
      return 0
    fi
    echo "the step ended without an error, but its check still fails: $STEP_FACT" >>"$log"
  fi
  runner_failed "$id" "$log" "$started" "$checked"
}

# runner_done STEP ok|done STARTED TEXT
runner_done() {
  local warning
  STEP_STATUS[$1]="$2"
  STEP_TOOK[$1]="$(runner_seconds_since "$3")"
  say_ok "$4 (${STEP_TOOK[$1]} s)"
  [[ -z "${STEP_FALLBACK[$1]:-}" ]] || say "        fallback: ${STEP_FALLBACK[$1]}"
  while IFS= read -r warning; do
    [[ -z "$warning" || -n "${WARNED[$warning]:-}" ]] || say_warning "$warning"
    [[ -z "$warning" ]] || WARNED[$warning]=1
  done <<<"${STEP_WARNINGS[$1]}"
}

# runner_failed STEP LOG STARTED CHECK_CODE: an optional step becomes a warning; any other ends the run.
runner_failed() {
  local code=20 hint
  STEP_TOOK[$1]="$(runner_seconds_since "$3")"
  hint="$(failure_hint "$2")"
  if [[ -n "${STEP_OPTIONAL[$1]}" ]]; then
    STEP_STATUS[$1]="skipped"
    STEP_WARNINGS[$1]+="${STEP_TITLE[$1]} could not be set up and is left out"$'\n'
    say_warning "${STEP_TITLE[$1]} could not be set up and is left out; the evaluation works without it (log: $2)"
    return 0
  fi
  STEP_STATUS[$1]="failed"
  runner_summary failed
  [[ "$4" != 40 ]] || code=40
  say_error "step $1 (${STEP_TITLE[$1]}) failed after ${STEP_TOOK[$1]} s; its log ends with:"
  tail -n 12 -- "$2" | sed 's/^/    /' >&2
  say_error "log: $2"
  printf '%s\n' "$hint" >&2
  exit "$code"
}

runner_seconds_since() { awk -v a="$1" -v b="$EPOCHREALTIME" 'BEGIN {printf "%.1f", b - a}'; }

# runner_warnings: every warning of the run, one per line, each once.
runner_warnings() {
  local id
  {
    printf '%s\n' "${PREFLIGHT_WARNINGS[@]:-}"
    for id in "${STEPS[@]}"; do printf '%s' "${STEP_WARNINGS[$id]:-}"; done
  } | awk 'NF && !seen[$0]++'
}

# runner_json_list: the lines of standard input as a JSON list of strings.
runner_json_list() {
  local line text=""
  while IFS= read -r line; do
    [[ -z "$line" ]] || text+="${text:+, }$(json_string "$line")"
  done
  printf '[%s]' "$text"
}

# runner_summary RESULT: write summary.json, whole or not at all.
runner_summary() {
  local id fallback steps="" validated=false demo=false
  regime_is_validated && validated=true
  [[ "$DEMO" == 0 ]] || demo=true
  for id in "${STEPS[@]}"; do
    steps+="${steps:+,}"$'\n    '"{\"id\": \"$id\", \"status\": \"${STEP_STATUS[$id]}\", \"seconds\": ${STEP_TOOK[$id]:-0}, "
    fallback=null
    [[ -z "${STEP_FALLBACK[$id]:-}" ]] || fallback="$(json_string "${STEP_FALLBACK[$id]}")"
    steps+="\"fallback\": $fallback}"
  done
  cat >"$RUN_DIR/summary.json.part" <<JSON
{
  "result": "$1",
  "validated_regime": $validated,
  "demo": $demo,
  "host": {
    "os": $(json_string "${MACHINE_OS_NAME:-}"),
    "kernel": $(json_string "${MACHINE_KERNEL:-}"),
    "cpu": $(json_string "${MACHINE_CPU:-}"),
    "ram_gb": ${MACHINE_RAM_GB:-0},
    "disk_free_gb": $(free_gib "$OUTPUT_DIR")
  },
  "gpu": {
    "name": $(json_string "${GPU_NAME:-}"),
    "driver": $(json_string "${GPU_DRIVER:-}"),
    "cuda": $(json_string "${GPU_CUDA:-}")
  },
  "python": $(json_string "${SETTINGS[python]:-}"),
  "torch": $(json_string "${SETTINGS[torch]:-}"),
  "torch_profile": $(json_string "${SETTINGS[torch_profile]:-}"),
  "attention": $(json_string "${SETTINGS[attention]:-sdpa}"),
  "vllm": $(json_string "${SETTINGS[vllm]:-}"),
  "rustc": $(json_string "${SETTINGS[rustc]:-}"),
  "warnings": $(runner_warnings | runner_json_list),
  "assumed_answers": $(printf '%s\n' "${ASSUMED_ANSWERS[@]:-}" | runner_json_list),
  "steps": [$steps
  ]
}
JSON
  mv -f -- "$RUN_DIR/summary.json.part" "$RUN_DIR/summary.json"
}
