# shellcheck shell=bash
# Messages for a person: one line each, coloured only on a terminal, copied to the run's log once there is one.

log_init() {
  C_RED="" C_GREEN="" C_YELLOW="" C_OFF=""
  if [[ -t 1 && -z "${NO_COLOR:-}" && "${TERM:-dumb}" != dumb ]]; then
    C_RED=$'\e[31m' C_GREEN=$'\e[32m' C_YELLOW=$'\e[33m' C_OFF=$'\e[0m'
  fi
}

# say TEXT [COLOUR]: one line on standard output and in the run's log.
say() {
  printf '%s%s%s\n' "${2:-}" "$1" "${2:+$C_OFF}"
  [[ -z "${RUN_DIR:-}" ]] || printf '%(%FT%T%z)T %s\n' -1 "$1" >>"$RUN_DIR/run.log"
}

say_ok() { say "$1" "$C_GREEN"; }
say_warning() { say "warning: $1" "$C_YELLOW"; }
say_error() { say "error: $1" "$C_RED" >&2; }

# die EXIT_CODE MESSAGE...: the one way to end with an error; every message is a line.
die() {
  local code="$1" line
  shift
  for line in "$@"; do say_error "$line"; done
  exit "$code"
}

# failure_hint LOG: the likely cause and the fix for a failed step, from what its log says last.
failure_hint() {
  local tail_text pattern cause fix
  tail_text="$(tail -n 60 -- "$1")"
  while IFS='~' read -r pattern cause fix; do
    if [[ "$tail_text" =~ $pattern ]]; then
      printf 'Likely cause: %s\nFix: %s, then run the same command again.\n' "$cause" "$fix"
      return 0
    fi
  done <<'TABLE'
No space left on device~the disk is full~free some space (df -h shows where) or set VENV_DIR, HF_HOME or TMPDIR to a larger disk
Could not get lock|is held by process~another package manager is at work~wait until it has finished
not in the sudoers|a password is required|Permission denied~a permission is missing~run as root or with passwordless sudo
CERTIFICATE_VERIFY_FAILED|certificate verify failed|self-signed certificate|UnknownIssuer~a server's certificate is not trusted here~check for a proxy that needs its own certificate (PIP_CERT, SSL_CERT_FILE)
(sha256|hash|digest)[^\n]*(mismatch|differs)~a download is not the file that was pinned~look for a proxy that changes downloads
resolve host|name resolution|dns error|Name or service not known~a host name cannot be resolved: no network~check the network and proxy settings
timed out|Connection reset|Connection refused|Network is unreachable|error sending request~a server cannot be reached~check the network and proxy settings
no version of|not found in the package registry|No matching distribution~a package registry lacks a pinned version~check PIP_INDEX_URL and pip's configuration, or use the public registry
Unable to locate package~the system's package lists lack a package~enable the distribution's standard repositories (Ubuntu: universe)
BUILD FAILED~Python could not be compiled~read the build log named above; usually a development library is missing
Killed|out of memory|Cannot allocate memory~the machine ran out of memory~close other programs or use a machine with more memory
TABLE
  printf 'Fix: read %s, repair the cause, then run the same command again.\n' "$1"
}

# json_string TEXT: TEXT as a JSON string literal.
json_string() {
  local text="${1//\\/\\\\}"
  text="${text//\"/\\\"}" text="${text//$'\n'/\\n}" text="${text//$'\t'/\\t}"
  printf '"%s"' "${text//[[:cntrl:]]/}"
}

# json_field FILE KEY: the value of KEY in a flat JSON file (strings and numbers); empty where there is none.
json_field() {
  local text pattern='"'"$2"'"[[:space:]]*:[[:space:]]*("([^"\]*)"|([-+.0-9a-zA-Z]+))'
  [[ -r "$1" ]] || return 0
  text="$(<"$1")"
  if [[ "$text" =~ $pattern ]]; then
    printf '%s' "${BASH_REMATCH[2]}${BASH_REMATCH[3]}"
  fi
}
