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

# runner_load_table: fill STEPS and its details from the table; all of them are SELECTED.
runner_load_table() {
  local id title optional
  declare -ga STEPS=()
  declare -gA WARNED=() STEP_TITLE=() STEP_OPTIONAL=() STEP_FACT=() STEP_TOOK=() STEP_TRIES=() STEP_JSON=()
  declare -gA STEP_FALLBACK=() STEP_WARNINGS=() SETTINGS=()
  while IFS='|' read -r id title optional; do
    STEPS+=("$id")
    STEP_TITLE[$id]="$title" STEP_OPTIONAL[$id]="$optional"
  done < <(runner_table)
  SELECTED=" ${STEPS[*]} "
}

# runner_select: SELECTED becomes what --only and --from leave; a name that is no step ends with the list of steps.
runner_select() {
  local id reached=""
  local -a wrong=()
  for id in ${ONLY//,/ } $FROM; do
    [[ "$SELECTED" == *" $id "* ]] || wrong+=("there is no step $id; the steps are: ${STEPS[*]}")
  done
  ((${#wrong[@]} == 0)) || die 2 "${wrong[@]}"
  SELECTED=" "
  for id in "${STEPS[@]}"; do
    [[ "$id" != "$FROM" ]] || reached=1
    if [[ (-n "$ONLY" && ",$ONLY," != *",$id,"*) || (-n "$FROM" && -z "$reached") ]]; then continue; fi
    SELECTED+="$id "
  done
}

# runner_start: take the lock and make the folder of this run.
runner_start() {
  local id
  made folder "$STATE_DIR" || die 2 "cannot write to $STATE_DIR: set XDG_STATE_HOME to a folder that you can write to"
  runner_lock
  RUN_DIR="$STATE_DIR/runs/$(date -u +%Y%m%dT%H%M%SZ)-$$"
  mkdir -p -- "$STATE_DIR/runs"
  mkdir -m 700 -- "$RUN_DIR"
  [[ -v STEPS ]] || runner_load_table
  for id in "${STEPS[@]}"; do
    STEP_TRIES[$id]="$(runner_earlier_tries "$id")"
    runner_record "$id" not-run
  done
  ln -sfn -- "$RUN_DIR" "$STATE_DIR/latest"
  options_remember >"$RUN_DIR/options"
  export RUN_DIR STATE_DIR ONLY
  CHILD="" RESULT=running RUN_EXIT="" RUN_FINISHED=""
  runner_facts
  trap 'runner_interrupted' INT TERM HUP
  trap 'runner_end "$?"' EXIT
}

# runner_lock: descriptor 9 holds the lock. Steps inherit it, so that one that outlives a killed run still keeps others
# out; whatever stays (tmux, daemons) is started without it. A look at the lock takes it for a moment, hence the wait.
runner_lock() {
  exec 9>>"$STATE_DIR/lock"
  if ! flock -w 2 9; then
    exec 9>&-
    lock_read
    die 75 "another run is at work ($HOLDER_TEXT): wait until it has finished, or stop it with: ${SETUP_COMMAND:-eval_setup.sh} --stop"
  fi
  runner_hold "$$" ""
}

# runner_hold PROCESS STEP: note what is at work, for whoever looks meanwhile.
runner_hold() { printf '%s|%s|%s|%(%T)T\n' "$$" "$1" "$2" -1 2>/dev/null >"$STATE_DIR/holder" || true; }

# lock_wait SECONDS: is the lock free, by then at the latest?
lock_wait() { [[ ! -e "$STATE_DIR/lock" ]] || flock -s -w "$1" "$STATE_DIR/lock" true; }

# lock_processes: those that have the lock open: a run, its step at work, or a step that outlived its run.
lock_processes() {
  local file
  for file in /proc/[0-9]*/fd/9; do
    [[ ! "$file" -ef "$STATE_DIR/lock" ]] || cut -d/ -f3 <<<"$file"
  done
}

# lock_read: what runner_hold noted, of processes that still have the lock (LOCKED: all of them), and that in words.
lock_read() {
  HOLDER_RUN="" HOLDER="" HOLDER_STEP="" HOLDER_SINCE=""
  [[ ! -r "$STATE_DIR/holder" ]] || IFS='|' read -r HOLDER_RUN HOLDER HOLDER_STEP HOLDER_SINCE <"$STATE_DIR/holder" || true
  LOCKED="$(lock_processes)"
  grep -qx -- "${HOLDER:-none}" <<<"$LOCKED" || HOLDER="${LOCKED%%$'\n'*}"
  grep -qx -- "${HOLDER_RUN:-none}" <<<"$LOCKED" || HOLDER_RUN=""
  HOLDER_TEXT="process ${HOLDER:-unknown}${HOLDER_STEP:+, step $HOLDER_STEP since $HOLDER_SINCE}"
}

# runner_stop: end the run at work, or the step that outlived its run: TERM, and KILL to what is there after a minute.
runner_stop() {
  lock_read
  xargs -r kill -TERM 2>/dev/null <<<"${HOLDER_RUN:-$LOCKED}" || true
  lock_wait "${RUSTEVAL_STOP_GRACE:-60}" || lock_processes | xargs -r kill -KILL 2>/dev/null || true
  say_ok "stopped the set-up ($HOLDER_TEXT); the same command goes on from there"
}

# runner_interrupted: stop the step at work, say how to go on.
runner_interrupted() {
  trap '' INT TERM HUP
  if [[ -n "$CHILD" ]]; then
    kill -TERM -- "-$CHILD" 2>/dev/null || true
    wait "$CHILD" 2>/dev/null || true
  fi
  RESULT=interrupted
  # the terminal may be gone
  say_error "interrupted${CURRENT_STEP:+ in step $CURRENT_STEP}; run the same command to go on from there" || true
  exit 130
}

# runner_end EXIT_CODE: the last words of summary.json.
runner_end() {
  RUN_EXIT="$1" RUN_FINISHED="$(date -u +%FT%TZ)"
  [[ "$RESULT" != running ]] || RESULT=failed
  runner_summary
  [[ "${JSON:-0}" == 0 ]] || json_end "$1"
}

# runner_check STEP LOG: run a step's check; its findings go to STEP_FACT, SETTINGS, STEP_WARNINGS and STEP_FALLBACK.
runner_check() {
  local output line code=0
  output="$(bash "$REPO_DIR/lib/step_main.sh" check "$1" 2>>"$2" </dev/null 8>&-)" || code=$?
  STEP_FACT[$1]="" STEP_WARNINGS[$1]=""
  while IFS= read -r line; do
    case "$line" in
      "@set "*)
        line="${line#@set }"
        SETTINGS[${line%% *}]="${line#* }"
        ;;
      "@warning "*) STEP_WARNINGS[$1]+="${line#@warning }"$'\n' ;;
      "@fallback "*) STEP_FALLBACK[$1]="${line#@fallback }" ;;
      *) [[ -z "$line" ]] || STEP_FACT[$1]="$line" ;;
    esac
  done <<<"$output"
  return "$code"
}

# runner_apply STEP LOG: run a step's apply in a process group of its own, with a sign of life twice a minute.
runner_apply() {
  local ticker ended code started="$SECONDS"
  setsid bash "$REPO_DIR/lib/step_main.sh" apply "$1" >>"$2" 2>&1 </dev/null 8>&- &
  CHILD=$!
  runner_hold "$CHILD" "$1"
  while true; do
    sleep "${RUSTEVAL_HEARTBEAT:-30}" >/dev/null 2>&1 8>&- 9>&- &
    ticker=$!
    code=0
    wait -n -p ended "$CHILD" "$ticker" || code=$?
    [[ "$ended" != "$CHILD" ]] || break
    say "        still at work: ${STEP_TITLE[$1]}, $((SECONDS - started)) s so far (log: $2)"
  done
  kill "$ticker" 2>/dev/null || true
  wait "$ticker" 2>/dev/null || true
  CHILD=""
  runner_hold "$$" "$1"
  return "$code"
}

# runner_run STEP...: those of them that are SELECTED, in order; ends the program at the first that fails.
runner_run() {
  local id number=0
  for id in "$@"; do
    number=$((number + 1))
    CURRENT_STEP="$id"
    if [[ "$SELECTED" == *" $id "* ]]; then
      runner_hold "$$" "$id"
      runner_step "$id" "$(printf '[%2d/%d]' "$number" "$#")"
    elif [[ -n "${FROM:-}" ]]; then
      runner_pass "$id"
    fi
    runner_summary
    [[ "$id" != system_deps || "${NETWORK_UNASKED:-0}" == 0 ]] || preflight_again
  done
  CURRENT_STEP="" RESULT=ready
  runner_hold "$$" ""
  runner_summary
}

# runner_pass STEP: one before --from: looked at, since the evaluation wants to know what is there, but not carried out.
runner_pass() {
  if runner_check "$1" "$RUN_DIR/$1.log"; then
    runner_record "$1" ok
    return 0
  fi
  runner_record "$1" not-run
  STEP_WARNINGS[$1]+="${STEP_TITLE[$1]} is open and left out by --from: ${STEP_FACT[$1]:-not there yet}"$'\n'
  runner_warn "$1"
}

# runner_step STEP LABEL
runner_step() {
  local id="$1" label="$2 ${STEP_TITLE[$1]}" log code=0 checked=0 started="$EPOCHREALTIME"
  log="$RUN_DIR/$id.log"
  runner_check "$id" "$log" || checked=$?
  if ((checked == 0)); then
    runner_done "$id" ok "$started" "$label: ${STEP_FACT[$id]}"
    return 0
  fi
  say "$label: at work (${STEP_FACT[$id]:-not there yet})"
  [[ "$id" != torch && "$id" != vllm ]] || say "        ${STEP_TITLE[$id]} is large; this can take some minutes"
  STEP_TRIES[$id]=$((STEP_TRIES[$id] + 1))
  runner_record "$id" at-work
  runner_summary
  runner_apply "$id" "$log" || code=$?
  if ((code == 0)); then
    if runner_check "$id" "$log"; then
      runner_done "$id" "done" "$started" "$label: ${STEP_FACT[$id]}"
      return 0
    fi
    echo "the step ended without an error, but its check still fails: ${STEP_FACT[$id]}" >>"$log"
  fi
  runner_failed "$id" "$log" "$started" "$checked"
}

# runner_done STEP ok|done STARTED TEXT
runner_done() {
  STEP_TOOK[$1]="$(runner_seconds_since "$3")"
  [[ "$2" == "done" ]] || STEP_TRIES[$1]=0
  runner_record "$1" "$2"
  say_ok "$4 (${STEP_TOOK[$1]} s)"
  [[ -z "${STEP_FALLBACK[$1]:-}" ]] || say "        fallback: ${STEP_FALLBACK[$1]}"
  runner_warn "$1"
}

# runner_warn STEP: its warnings, each said once in a run.
runner_warn() {
  local warning
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
    STEP_WARNINGS[$1]+="${STEP_TITLE[$1]} could not be set up and is left out"$'\n'
    runner_record "$1" skipped
    say_warning "${STEP_TITLE[$1]} could not be set up and is left out; the evaluation works without it (log: $2)"
    return 0
  fi
  runner_record "$1" failed
  RESULT=failed
  [[ "$4" != 40 ]] || code=40
  say_error "step $1 (${STEP_TITLE[$1]}) failed after ${STEP_TOOK[$1]} s; its log ends with:"
  tail -n 12 -- "$2" | sed 's/^/    /' >&2
  say_error "log: $2"
  ((STEP_TRIES[$1] < 2)) || say_error "this was try ${STEP_TRIES[$1]} in a row"
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

# runner_record STEP STATUS: the step's line of the summary.
runner_record() {
  STEP_JSON[$1]="$(json_object id "$1" status "$2" seconds? "${STEP_TOOK[$1]:-0}" attempts? "${STEP_TRIES[$1]}" \
    title "${STEP_TITLE[$1]}" fact "${STEP_FACT[$1]:-}" log "$1.log" fallback? "${STEP_FALLBACK[$1]:-}")"
}

# summary_open_step FILE: the step of a summary.json that failed or was at work.
summary_open_step() { sed -n 's/^{"id": "\([a-z_]*\)", "status": "\(failed\|at-work\)".*/\1/p' "$1" 2>/dev/null || true; }

# runner_earlier_tries STEP: how often the runs just before this one tried the step without success.
runner_earlier_tries() {
  sed -n "s/^{\"id\": \"$1\", \"status\": \"\(failed\|at-work\|not-run\|skipped\)\".*\"attempts\": \([0-9]*\).*/\2/p" \
    "$STATE_DIR/latest/summary.json" 2>/dev/null | grep . || printf 0
}

# runner_facts: what the summary says of this run from the beginning: machine, options, findings.
runner_facts() {
  RUN_FACTS=(run_id "${RUN_DIR##*/}" started "$(date -u +%FT%TZ)" validated_regime? "$(regime_is_validated && echo true || echo false)"
  demo? "$( ((DEMO)) && echo true || echo false)" config: "$(options_json)" findings: "$(findings_json)"
  host: "$(json_object os "${MACHINE_OS_NAME:-}" kernel "${MACHINE_KERNEL:-}" cpu "${MACHINE_CPU:-}" \
    ram_gb? "${MACHINE_RAM_GB:-0}" disk_free_gb? "$(free_gib "$OUTPUT_DIR")")"
  gpu: "$(json_object name "${GPU_NAME:-}" driver "${GPU_DRIVER:-}" cuda "${GPU_CUDA:-}")")
}

# options_json: the value of every option; of a secret only whether it is set, and no address with a password in it.
options_json() {
  local name value
  local -a pairs=()
  for name in "${OPTION_NAMES[@]}"; do
    value="${!name}"
    [[ "${OPTION_TYPE[$name]}" != secret || -z "$value" ]] || value="set"
    [[ ! "$value" =~ ^(https?://)[^/]*@(.*)$ ]] || value="${BASH_REMATCH[1]}***@${BASH_REMATCH[2]}"
    pairs+=("$name" "$value")
  done
  json_object "${pairs[@]}"
}

# runner_summary: write summary.json, whole or not at all; a step is a line of it.
runner_summary() {
  local id name steps=""
  local -a settings=()
  for id in "${STEPS[@]}"; do steps+="${steps:+,}"$'\n'"${STEP_JSON[$id]}"; done
  for name in python torch torch_profile vllm rustc sandbox; do settings+=("$name" "${SETTINGS[$name]:-}"); done
  JSON_BREAK=$'\n  ' json_object schema_version? 1 mode run result "$RESULT" exit_code? "$RUN_EXIT" finished? "$RUN_FINISHED" \
    "${RUN_FACTS[@]}" "${settings[@]}" attention "${SETTINGS[attention]:-sdpa}" warnings: "$(runner_warnings | json_list)" \
    assumed_answers: "$(printf '%s\n' "${ASSUMED_ANSWERS[@]:-}" | json_list)" steps: "[$steps]" \
    2>/dev/null >"$RUN_DIR/summary.json.part" || return 0 # a full disk: the earlier one stays
  mv -f -- "$RUN_DIR/summary.json.part" "$RUN_DIR/summary.json"
}
