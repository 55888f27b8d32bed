# shellcheck shell=bash
# Steps "driver" (this checkout's package in the virtual environment) and "demo_models", and the evaluation itself.

driver_check() {
  [[ -x "$VENV_DIR/bin/rusteval" ]] || {
    emit_fact "not installed"
    return 1
  }
  "$VENV_DIR/bin/python" "$REPO_DIR/lib/installed.py" --checkout "$REPO_DIR"
}

driver_apply() { uv_install --no-deps --editable "$REPO_DIR"; }

demo_models_check() {
  "$VENV_DIR/bin/python" "$REPO_DIR/scripts/build_demo_models.py" --output-dir "$DEMO_DIR" --check >&2 || {
    emit_fact "not built yet"
    return 1
  }
  emit_fact "$DEMO_DIR"
}

demo_models_apply() {
  [[ -e "$DEMO_DIR" ]] || made folder "$DEMO_DIR"
  "$VENV_DIR/bin/python" -u "$REPO_DIR/scripts/build_demo_models.py" --output-dir "$DEMO_DIR"
}

# evaluation_command: fill EVALUATION with the driver's command line. Secrets are never among its arguments.
evaluation_command() {
  EVALUATION=("$VENV_DIR/bin/python" -u "$REPO_DIR/scripts/evaluate_humaneval.py"
    --base-model "$BASE_MODEL" --checkpoint-path "$CHECKPOINT_PATH" --output-dir "$OUTPUT_DIR"
    --num-samples "$NUM_SAMPLES" --k-values "$K_VALUES" --seed "$SEED" --sandbox-mode "$SANDBOX_MODE"
    --engine "$(evaluation_engine)")
  [[ -z "$VLLM_PYTHON" ]] || EVALUATION+=(--vllm-python "$VLLM_PYTHON")
  [[ -z "$TASKS" ]] || EVALUATION+=(--tasks "$TASKS")
  ((COMPARE_PROTOCOLS)) || EVALUATION+=(--no-compare-protocols)
}

# evaluation_engine: the engine that the user asked for; where the set-up did not find vLLM complete, "auto" must not
# take up what there is of it.
evaluation_engine() {
  if [[ "$ENGINE" == auto && -z "${SETTINGS[vllm]:-}" ]]; then
    printf 'transformers'
  else
    printf '%s' "$ENGINE"
  fi
}

# secret_names: the variables of the environment that hold secrets.
secret_names() { compgen -e | grep -E "$SECRET_NAMES" || true; }

# evaluation_environment: export lines for the launcher: what an evaluation needs, whatever a tmux server has kept.
evaluation_environment() {
  local name toolchain
  for name in $(compgen -e | grep -vE "$SECRET_NAMES"); do
    case "$name" in
      VLLM_PYTHON) ;; # an option of this harness, no setting of vLLM
      HOME | USER | LOGNAME | LANG | LC_* | TZ | TMPDIR | LD_LIBRARY_PATH | NO_COLOR | XDG_* | CARGO_HOME | RUSTUP_* | \
        HF_* | TRANSFORMERS_* | DOCKER_* | CUDA_* | NVIDIA_* | PYTORCH_* | TORCH_* | VLLM_* | OMP_* | MKL_* | RUSTEVAL_* | PIP_* | UV_* | \
        SSL_CERT_* | REQUESTS_CA_BUNDLE | CURL_CA_BUNDLE | *_proxy | *_PROXY)
        printf 'export %s=%q\n' "$name" "${!name}"
        ;;
      *) ;;
    esac
  done
  printf 'export PATH=%q\n' "$VENV_DIR/bin:$(rust_path)"
  printf 'export RUSTEVAL_SETUP_SUMMARY=%q\n' "$RUN_DIR/summary.json"
  if read -r toolchain _ < <(rust_toolchain) && [[ "$toolchain" != default ]]; then
    printf 'export RUSTUP_TOOLCHAIN=%q\n' "$toolchain"
  fi
}

# evaluation_prepare: write launch.sh, which runs the evaluation anywhere and leaves its exit code in a file.
evaluation_prepare() {
  evaluation_command
  printf '%s' "$OUTPUT_DIR" >"$RUN_DIR/output_dir"
  ln -sfn -- "$RUN_DIR" "$STATE_DIR/latest-evaluation"
  if [[ -n "$HF_TOKEN" ]]; then
    (umask 077 && printf '%s' "$HF_TOKEN" >"$RUN_DIR/token")
  fi
  {
    printf '#!/usr/bin/env bash\nset -uo pipefail\nsource %q\n' "$REPO_DIR/lib/launch.sh"
    echo launch_forget
    evaluation_environment
    printf 'cd -- %q || exit\nlaunch %q' "$INVOCATION_DIR" "$RUN_DIR"
    printf ' %q' "${EVALUATION[@]}"
    echo
  } >"$RUN_DIR/launch.sh"
  chmod 700 "$RUN_DIR/launch.sh"
}

# evaluation_processes RUN: those of the launcher and the evaluation of RUN that are at work.
evaluation_processes() {
  local pid
  while read -r pid; do
    [[ ! "$(tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline")" =~ launch\.sh|scripts/evaluate_humaneval\.py ]] || echo "$pid"
  done < <(cat -- "$1/eval.pid" 2>/dev/null)
}

# evaluation_stop RUN: end it as Ctrl-C would, so that it saves what it has (by TERM, since whoever started it may have
# switched Ctrl-C off); KILL after a minute.
evaluation_stop() {
  local tries pids
  pids="$(evaluation_processes "$1")"
  kill -TERM "${pids%%$'\n'*}" 2>/dev/null || true
  for ((tries = 0; tries < ${RUSTEVAL_STOP_GRACE:-60} * 5; tries++)); do
    [[ -n "$(evaluation_processes "$1")" ]] || break
    sleep 0.2
  done
  pids="$(evaluation_processes "$1")"
  [[ -z "$pids" ]] || kill -KILL -- "-${pids##*$'\n'}" 2>/dev/null || true
  say_ok "stopped the evaluation; the same command goes on where it stopped (results: $(<"$1/output_dir"))"
}

# evaluation_foreground: run what evaluation_prepare has written, here; returns its own exit code.
evaluation_foreground() {
  local code=0 launcher signalled=1
  set -m # in a process group of its own, so that a signal reaches it once, from the traps below
  runner_hold "$$" evaluation
  bash "$RUN_DIR/launch.sh" 8>&- &
  launcher=$!
  set +m
  trap 'signalled=1; kill -INT "$launcher"' INT
  trap 'signalled=1; kill -TERM "$launcher"' TERM HUP
  while ((signalled)); do
    signalled=0 code=0
    wait "$launcher" || code=$?
  done
  if ((code == 0)); then
    evaluation_results
  else
    say_error "the evaluation ended with exit code $code (log: $RUN_DIR/eval.log); the same command goes on where it stopped"
  fi
  return "$code"
}

# evaluation_results: where the results are and how to read them.
evaluation_results() {
  say_ok "The evaluation is done. Results are in $OUTPUT_DIR:"
  say "  combined_summary.md    base against fine-tuned, with and without policy: start here"
  say "  report.html            the same with charts, for a browser"
  say "  no-policy/, policy/    samples, one verdict per sample (*_results.jsonl), metrics.json, comparison_report.md"
  say "  eval_metadata.json     machine, versions, seeds and hashes behind every number"
}

# evaluation_wait_started: until the evaluation has reported itself; else say why not and end with 50.
evaluation_wait_started() {
  local deadline=$((SECONDS + ${RUSTEVAL_START_TIMEOUT:-180})) status="$OUTPUT_DIR/status.json"
  while ((SECONDS < deadline)); do
    if [[ -f "$status" && "$status" -nt "$RUN_DIR/launch.sh" && "$(json_field "$status" state)" != failed ]]; then
      return 0
    fi
    if [[ -f "$RUN_DIR/eval.exit" ]]; then
      [[ "$(<"$RUN_DIR/eval.exit")" != 0 ]] || return 0
      tail -n 12 -- "$RUN_DIR/eval.log" | sed 's/^/    /' >&2
      die 50 "the evaluation did not start: it ended with exit code $(<"$RUN_DIR/eval.exit") (log: $RUN_DIR/eval.log)"
    fi
    tmux_session_exists || die 50 "the evaluation did not start: the session ended at once (log: $RUN_DIR/eval.log)"
    sleep 0.2
  done
  die 50 "the evaluation has not reported itself for ${RUSTEVAL_START_TIMEOUT:-180} s; look at it with: $SETUP_COMMAND --attach"
}
