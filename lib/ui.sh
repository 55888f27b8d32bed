# shellcheck shell=bash disable=SC2034
# SC2034: the answers are read by eval_setup.sh and lib/tmux.sh.
# The only place where questions are asked, and all of them before the first change.

# ui_init: interactive means a person at both ends, unless NONINTERACTIVE says otherwise.
ui_init() {
  INTERACTIVE=0 ASSUMED_ANSWERS=()
  [[ "$NONINTERACTIVE" == 1 || ! -t 0 || ! -t 1 ]] || INTERACTIVE=1
}

# ask_yes ID QUESTION yes|no: the third is the answer where nobody is asked, at the end of input, and after three
# answers that are neither.
ask_yes() {
  local answer hint="[Y/n]" try
  [[ "$3" == yes ]] || hint="[y/N]"
  if [[ "$INTERACTIVE" == 0 ]]; then
    ASSUMED_ANSWERS+=("$1=$3")
    say "assumed: $1=$3"
    [[ "$3" == yes ]]
    return
  fi
  for try in 1 2 3; do
    read -r -p "$2 $hint " answer || answer=""
    case "${answer,,}" in
      y | yes) return 0 ;;
      n | no) return 1 ;;
      "") break ;;
      *) ((try == 3)) || echo "please answer yes or no" ;;
    esac
  done
  [[ "$3" == yes ]]
}

# ui_questions: what a default run wants to know. Sets USE_TMUX, REPLACE_SESSION and ATTACH.
ui_questions() {
  USE_TMUX=1 REPLACE_SESSION=0 ATTACH=0
  if tmux_session_exists; then
    if [[ "$NONINTERACTIVE" == 1 ]]; then
      ASSUMED_ANSWERS+=("replace_session=yes")
      say "assumed: replace_session=yes"
    elif ! ask_yes replace_session "A tmux session $TMUX_SESSION is there already. Replace it?" no; then
      say "The session $TMUX_SESSION was left as it is. To see it: $SETUP_COMMAND --attach; NONINTERACTIVE=1 replaces it."
      exit 0
    fi
    REPLACE_SESSION=1
  fi
  ask_yes use_tmux "Run the evaluation in a tmux session, so that it outlives this terminal?" yes || USE_TMUX=0
  if [[ "$USE_TMUX" == 1 && "$INTERACTIVE" == 1 ]]; then
    ask_yes attach "Attach to the session once the evaluation has started?" yes && ATTACH=1
  fi
  return 0
}
