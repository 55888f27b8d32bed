# shellcheck shell=bash
# Step "cli_tools" (optional): the command lines of GitHub (gh, from the system's packages) and Hugging Face (hf, in the
# virtual environment). Neither is needed by the evaluation.

# cli_tools_wants_gh: gh is for the full set-up, where the system offers it and it can be installed.
cli_tools_wants_gh() {
  [[ "$DEMO" == 0 ]] && have_root && [[ -n "$(apt-cache madison gh 2>/dev/null)" ]]
}

# gh_logged_in: may gh be used as it is? Without a stored login this asks nobody on the network.
gh_logged_in() {
  [[ -n "${GH_TOKEN:-}${GITHUB_TOKEN:-}" ]] ||
    { command -v gh >/dev/null && timeout 5 gh auth status >/dev/null 2>&1 </dev/null; }
}

cli_tools_check() {
  local text="no hf"
  [[ ! -x "$VENV_DIR/bin/hf" ]] || text="hf at $VENV_DIR/bin/hf"
  if ! command -v gh >/dev/null && cli_tools_wants_gh; then
    emit_fact "$text, gh is missing"
    return 1
  elif ! command -v gh >/dev/null; then
    emit_fact "$text, no gh"
  elif gh_logged_in; then
    emit_fact "$text, gh is logged in"
  else
    emit_fact "$text, gh (to log in: gh auth login)"
  fi
}

cli_tools_apply() { apt_install gh; }
