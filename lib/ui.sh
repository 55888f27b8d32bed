# shellcheck shell=bash disable=SC2034
# SC2034: the answers are read by eval_setup.sh and lib/tmux.sh.
# The only place where questions are asked, and all of them before the first change.

# ui_init: interactive means a person at both ends, unless NONINTERACTIVE says otherwise.
ui_init() {
  INTERACTIVE=0 ASSUMED_ANSWERS=() KEEP_TOKEN=""
  [[ "$NONINTERACTIVE" == 1 || ! -t 0 || ! -t 1 ]] || INTERACTIVE=1
}

# assume ID ANSWER: an answer that nobody was asked for.
assume() {
  ASSUMED_ANSWERS+=("$1=$2")
  say "assumed: $1=$2"
}

# ask PROMPT [OPTION of read]...: set ANSWER to one line of the user's; empty at the end of input.
ask() {
  read -r "${@:2}" -p "$1" ANSWER || {
    ANSWER=""
    echo
  }
}

# ask_yes ID QUESTION yes|no: the third is the answer where nobody is asked, at the end of input, and after three
# answers that are neither.
ask_yes() {
  local hint="[Y/n]" try
  [[ "$3" == yes ]] || hint="[y/N]"
  [[ "$INTERACTIVE" == 1 ]] || assume "$1" "$3"
  for ((try = 3; INTERACTIVE && try > 0; try--)); do
    ask "$2 $hint "
    case "${ANSWER,,}" in
      y | yes) return 0 ;;
      n | no) return 1 ;;
      "") break ;;
      *) ((try == 1)) || echo "please answer yes or no" ;;
    esac
  done
  [[ "$3" == yes ]]
}

# ask_word QUESTION WORD: was exactly this word typed? Never true where nobody can be asked.
ask_word() {
  [[ "$INTERACTIVE" == 1 ]] || return 1
  ask "$1 "
  [[ "$ANSWER" == "$2" ]]
}

# ask_secret QUESTION: as ask, without an echo; empty where nobody can be asked.
ask_secret() {
  ANSWER=""
  [[ "$INTERACTIVE" == 1 ]] || return 0
  ask "$1 " -s
  echo
}

# ui_questions: what a run wants to know. Sets USE_TMUX, REPLACE_SESSION and ATTACH.
ui_questions() {
  USE_TMUX=0 REPLACE_SESSION=0 ATTACH=0
  [[ "$INTERACTIVE$NONINTERACTIVE" != 00 ]] || say "There is no terminal: nothing is asked, as with NONINTERACTIVE=1."
  ui_unsandboxed
  [[ "$DEMO" == 1 || "$FOREGROUND" == 1 ]] || ui_tmux
  [[ "$DEMO" == 1 || -n "${ONLY:-}" ]] || ui_logins
  [[ -z "$KEEP_TOKEN" ]] || ui_keep_token
}

# ui_unsandboxed: generated code runs without isolation only where that is confirmed, besides being asked for.
ui_unsandboxed() {
  [[ "$SANDBOX_MODE" == none ]] || return 0
  if [[ "$ALLOW_UNSANDBOXED" == YES ]]; then
    assume unsandboxed YES
    return 0
  fi
  ask_word "SANDBOX_MODE=none: untrusted code will run on this machine as this user. Type YES to allow that:" YES ||
    die 40 "SANDBOX_MODE=none was not confirmed (by the word YES, or ALLOW_UNSANDBOXED=YES); nothing was changed"
  ALLOW_UNSANDBOXED=YES
  EXPLICIT_OPTIONS+="ALLOW_UNSANDBOXED " # for a later --status
}

ui_tmux() {
  if tmux_session_exists; then
    if [[ "$NONINTERACTIVE" == 1 ]]; then
      assume replace_session yes
    elif ! ask_yes replace_session "A tmux session $TMUX_SESSION is there already. Replace it?" no; then
      say "The session $TMUX_SESSION was left as it is. To see it: $SETUP_COMMAND --attach; NONINTERACTIVE=1 replaces it."
      exit 0
    fi
    REPLACE_SESSION=1
  fi
  ask_yes use_tmux "Run the evaluation in a tmux session, so that it outlives this terminal?" yes || return 0
  USE_TMUX=1
  [[ "$INTERACTIVE" == 0 ]] || ! ask_yes attach "Attach to the session once the evaluation has started?" yes || ATTACH=1
}

# ui_logins: GitHub's is offered where gh is there; Hugging Face's is asked for by the preflight where a model needs it.
ui_logins() {
  local missing=""
  if [[ "$INTERACTIVE" == 1 ]]; then
    if ! command -v gh >/dev/null || gh_logged_in; then return 0; fi
    ! ask_yes gh_login "Log in to GitHub with gh now? The evaluation does not need it." no || gh auth login ||
      say_warning "gh auth login did not succeed; the evaluation does not need it"
    return 0
  fi
  [[ -n "$(hub_token)" ]] || missing="hf auth login (Hugging Face)"
  gh_logged_in || missing+="${missing:+, }gh auth login (GitHub)"
  [[ -z "$missing" ]] || say "Not logged in, and not asked to; by hand, where it is wanted: $missing"
}

# ui_hub_token: ask for a Hugging Face token, and whether to keep it; exports HF_TOKEN. Returns 1 where none is given.
# It is kept where hf keeps its own.
ui_hub_token() {
  local file="${HF_TOKEN_PATH:-${HF_HOME:-${XDG_CACHE_HOME:-$HOME/.cache}/huggingface}/token}"
  ask_secret "Hugging Face token (not shown; Enter for none):"
  [[ -n "$ANSWER" ]] || return 1
  option_check secret "$ANSWER" "" || {
    say_warning "this token is not used: it $OPTION_PROBLEM"
    return 1
  }
  export HF_TOKEN="$ANSWER"
  ! ask_yes keep_token "Keep it for later, in $file?" no || KEEP_TOKEN="$file"
}

# ui_keep_token: what the user agreed to in ui_hub_token, once nothing stands in the way of the run.
ui_keep_token() {
  made folder "$STATE_DIR" # where that is written down
  [[ -e "$KEEP_TOKEN" ]] || made file "$KEEP_TOKEN"
  mkdir -p -- "$(dirname -- "$KEEP_TOKEN")"
  (umask 077 && rm -f -- "$KEEP_TOKEN.part" && printf '%s' "$HF_TOKEN" >"$KEEP_TOKEN.part" && mv -f -- "$KEEP_TOKEN.part" "$KEEP_TOKEN")
  say "The token is kept in $KEEP_TOKEN."
}
