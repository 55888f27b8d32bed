# shellcheck shell=bash
# Step "cli_tools" (optional): the command lines of GitHub (gh, from the system's packages) and Hugging Face (hf, in the
# virtual environment). Neither is needed by the evaluation.

# cli_tools_wants_gh: gh is for the full set-up, where the system offers it and it can be installed.
cli_tools_wants_gh() {
  [[ "$DEMO" == 0 ]] && have_root && [[ -n "$(apt-cache madison gh 2>/dev/null)" ]]
}

cli_tools_check() {
  local text
  if [[ -x "$VENV_DIR/bin/hf" ]]; then
    text="hf at $VENV_DIR/bin/hf"
  else
    text="no hf"
  fi
  if command -v gh >/dev/null; then
    emit_fact "$text, gh"
  elif cli_tools_wants_gh; then
    emit_fact "$text, gh is missing"
    return 1
  else
    emit_fact "$text, no gh"
  fi
}

cli_tools_apply() { apt_install gh; }
