# shellcheck shell=bash
# The tmux session. Targets are exact ("=name"): a bare name would match any session that begins with it.

# tmux_session_exists: asked only where a server has its socket, since tmux makes a folder for that to look into.
tmux_session_exists() {
  [[ -S "${TMUX_TMPDIR:-/tmp}/tmux-$EUID/default" ]] && command -v tmux >/dev/null &&
    tmux has-session -t "=$TMUX_SESSION" 2>/dev/null
}

# tmux_close: close the session, if it is there; says so.
tmux_close() {
  tmux_session_exists || return 1
  tmux kill-session -t "=$TMUX_SESSION" 2>/dev/null || true
  say_ok "closed the tmux session $TMUX_SESSION"
}

# tmux_end_session: let its evaluation save what it has, then close the session.
tmux_end_session() {
  local run
  for run in "$STATE_DIR"/runs/*/; do
    [[ -z "$(evaluation_processes "$run")" ]] || evaluation_stop "$run"
  done
  tmux kill-session -t "=$TMUX_SESSION" 2>/dev/null || true
}

# tmux_launch: start launch.sh in the session, and keep its last screen when it ends. A tmux server that this command
# starts keeps what it is given for ever: so it gets neither the run's lock (descriptor 9) nor any secret.
tmux_launch() {
  if [[ "$REPLACE_SESSION" == 1 ]]; then tmux_end_session; fi
  evaluation_prepare
  # shellcheck disable=SC2046  # names of variables
  (unset $(secret_names) && exec tmux new-session -d -s "$TMUX_SESSION" -x 180 -y 50 bash "$RUN_DIR/launch.sh" \; \
    set-option -w -t "=$TMUX_SESSION:" remain-on-exit on 8>&- 9>&- </dev/null) ||
    die 50 "the evaluation did not start: tmux could not open the session $TMUX_SESSION; --foreground runs without tmux"
}

# tmux_attach: attach, or switch there from inside tmux, or say how where there is no terminal.
tmux_attach() {
  tmux_session_exists || die 50 "there is no session $TMUX_SESSION: start an evaluation with $SETUP_COMMAND"
  if [[ ! -t 0 || ! -t 1 ]]; then
    say "no terminal to attach: run this in one: tmux attach-session -t =$TMUX_SESSION"
  elif [[ -n "${TMUX:-}" ]]; then
    tmux switch-client -t "=$TMUX_SESSION"
  else
    tmux attach-session -t "=$TMUX_SESSION"
  fi
}

# tmux_evaluate: the whole detached way: launch, see that it starts, say how to look at it, attach if that was asked for.
tmux_evaluate() {
  tmux_launch
  evaluation_wait_started
  say_ok "The evaluation runs in the tmux session $TMUX_SESSION."
  say "  how far it is:  $SETUP_COMMAND --status"
  say "  look at it:     $SETUP_COMMAND --attach"
  say "  results:        $OUTPUT_DIR"
  exec 9>&-
  [[ "$ATTACH" == 1 ]] || return 0
  tmux_attach
  [[ ! -f "$RUN_DIR/eval.exit" || "$(<"$RUN_DIR/eval.exit")" == 0 ]] ||
    die 51 "the evaluation failed with exit code $(<"$RUN_DIR/eval.exit") (log: $RUN_DIR/eval.log)"
}
