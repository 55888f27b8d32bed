# shellcheck shell=bash
# The record of what this harness made on the machine, and --uninstall, which removes that and nothing else.

# made KIND WHAT: record something that is about to be made and was not there before; kinds: folder, package.
# It is called before the making, so that what a killed run leaves is recorded too.
made() {
  local line="$1"$'\t'"$2"
  grep -qxF -- "$line" "$STATE_DIR/made" 2>/dev/null || printf '%s\n' "$line" >>"$STATE_DIR/made"
}
