# shellcheck shell=bash
# What the generated launch.sh of a run consists of: an environment of its own, one evaluation, its exit code in a file.

# launch_forget: forget the environment, whatever a tmux server has kept of another time.
launch_forget() {
  local name
  for name in $(compgen -e); do
    case "$name" in
      TERM | TMUX | TMUX_PANE | COLUMNS | LINES | PWD | SHLVL) ;;
      *) unset "$name" ;;
    esac
  done
}

# launch RUN COMMAND...: run the evaluation, copy what it says to eval.log, and leave its exit code in eval.exit.
launch() {
  local run="$1" tee signalled=1 code=0
  if [[ -f "$run/token" ]]; then
    HF_TOKEN="$(<"$run/token")"
    export HF_TOKEN
    rm -f -- "$run/token"
  fi
  echo "$$" >"$run/eval.pid"
  set -m # the evaluation in a process group of its own: it gets each signal once, from the traps below
  exec 3> >(exec tee -i -a "$run/eval.log")
  tee=$!
  "${@:2}" >&3 2>&1 &
  EVALUATION=$!
  echo "$EVALUATION" >>"$run/eval.pid"
  exec 3>&-
  trap 'signalled=1; kill -INT "$EVALUATION"' INT
  trap 'signalled=1; kill -TERM "$EVALUATION"' TERM HUP
  while ((signalled)); do
    signalled=0 code=0
    wait "$EVALUATION" || code=$?
  done
  wait "$tee"
  echo "$code" >"$run/eval.exit.part"
  mv -f -- "$run/eval.exit.part" "$run/eval.exit"
  exit "$code"
}
