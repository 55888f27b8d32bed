# shellcheck shell=bash
# The record of what this harness made on the machine, and --uninstall, which removes that and nothing else.

# made KIND WHAT: record something that is about to be made and was not there before. Kinds: package, folder, file
# (with these, as "parent", the folders above that are not there either).
# It is called before the making, so that what a killed run leaves is recorded too.
made() {
  local above lines="$1"$'\t'"$2" line
  if [[ "$1" != package ]]; then
    above="$(dirname -- "$2")"
    while [[ ! -e "$above" ]]; do
      lines="parent"$'\t'"$above"$'\n'"$lines"
      above="$(dirname -- "$above")"
    done
  fi
  mkdir -p -- "$STATE_DIR" || return 1
  while IFS= read -r line; do
    grep -qxF -- "$line" "$STATE_DIR/made" 2>/dev/null || printf '%s\n' "$line" >>"$STATE_DIR/made" || return 1
  done <<<"$lines"
}

# removal_obstacle PATH: why it must not be removed; empty where it may be.
removal_obstacle() {
  local run
  if [[ "$1" != /* || "$(realpath -ms -- "$1")" != "$1" || "$HOME/" == "$1/"* || "$1" -ef "$HOME" ]] ||
    [[ "$1" != /*/* && ! -f "$1/$VENV_MARKER" ]]; then
    echo "nothing that this harness would make"
  elif [[ -L "$1" ]]; then
    echo "a symbolic link"
  elif [[ -f "$1/pyvenv.cfg" && ! -f "$1/$VENV_MARKER" && ! -f "$1/$VENV_MARKER.partial" ]]; then
    echo "a virtual environment that this harness did not make"
  else
    for run in "$STATE_DIR"/runs/*/output_dir; do
      [[ ! -r "$run" || "$(realpath -m -- "$(<"$run")")/" != "$(realpath -m -- "$1")/"* ]] || echo "it holds results"
    done | sort -u
  fi
}

# uninstall_list: fill REMOVED (the last made first), PARENTS, PACKAGES and KEPT from the record.
uninstall_list() {
  local kind what reason
  REMOVED=() PARENTS=() PACKAGES=() KEPT=()
  while IFS=$'\t' read -r kind what; do
    case "$kind" in
      package) PACKAGES+=("$what") ;;
      parent) PARENTS+=("$what") ;;
      *)
        [[ -e "$what" || -L "$what" ]] || continue
        reason="$(removal_obstacle "$what")"
        if [[ -z "$reason" ]]; then REMOVED+=("$what"); else KEPT+=("$what ($reason)"); fi
        ;;
    esac
  done < <(tac -- "$STATE_DIR/made")
  while IFS= read -r what; do KEPT+=("$what"); done < <(uninstall_stays)
}

# uninstall_stays: what runs leave that is the user's: results, models, verdicts, packages in caches.
uninstall_stays() {
  local what cache="${XDG_CACHE_HOME:-$HOME/.cache}"
  for what in "$STATE_DIR"/runs/*/output_dir; do
    [[ ! -r "$what" || ! -e "$(<"$what")" ]] || printf '%s (results)\n' "$(<"$what")"
  done | sort -u
  for what in "${HF_HOME:-$cache/huggingface} (models)" "$cache/rusteval (verdicts)" "${UV_CACHE_DIR:-$cache/uv} (packages)"; do
    [[ ! -e "${what% (*}" ]] || printf '%s\n' "$what"
  done
}

# uninstall: --uninstall; with DRY_RUN only the lists.
uninstall() {
  local what run
  if [[ ! -f "$STATE_DIR/made" ]]; then
    say "nothing to remove: there is no record of anything made ($STATE_DIR/made)"
    return 0
  fi
  if [[ "$DRY_RUN" == 0 ]]; then
    runner_lock
    for run in "$STATE_DIR"/runs/*/; do
      [[ -z "$(evaluation_processes "$run")" ]] || die 75 "an evaluation is at work: wait for its end, or: $SETUP_COMMAND --stop"
    done
  fi
  uninstall_list
  json_part removed "$(printf '%s\n' "${REMOVED[@]}" | json_list)"
  json_part stays "$(printf '%s\n' "${KEPT[@]}" | json_list)"
  json_part packages "$(printf '%s\n' "${PACKAGES[@]}" | json_list)"
  for what in "${REMOVED[@]}"; do say "  remove  $what"; done
  for what in "${KEPT[@]}"; do say "  stays   $what"; done
  ((${#PACKAGES[@]} == 0)) || say "  stay    system packages that were installed; to remove them: sudo apt-get remove ${PACKAGES[*]}"
  [[ "$DRY_RUN" == 1 ]] || uninstall_remove
}

# uninstall_remove: after a question, or where NONINTERACTIVE says that nobody is to be asked.
uninstall_remove() {
  local what
  [[ "$INTERACTIVE$NONINTERACTIVE" != 00 ]] || die 2 "nothing was removed: there is no terminal to ask; NONINTERACTIVE=1 removes without asking"
  if [[ "$INTERACTIVE" == 1 ]] && ! ask_yes uninstall "Remove this?" no; then
    say "nothing was removed"
    return 0
  fi
  for what in "${REMOVED[@]}"; do rm -rf --one-file-system -- "$what"; done
  for what in "${PARENTS[@]}"; do rmdir -- "$what" 2>/dev/null || true; done
  say_ok "removed"
}
