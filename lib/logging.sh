# shellcheck shell=bash
# Messages for a person: one line each, coloured only on a terminal, copied to the run's log once there is one.

log_init() {
  JSON_PARTS=() JSON_ERRORS=()
  C_RED="" C_GREEN="" C_YELLOW="" C_OFF=""
  if [[ -t 1 && -z "${NO_COLOR:-}" && "${TERM:-dumb}" != dumb ]]; then
    C_RED=$'\e[31m' C_GREEN=$'\e[32m' C_YELLOW=$'\e[33m' C_OFF=$'\e[0m'
  fi
}

# say TEXT [COLOUR]: one line on standard output and in the run's log.
say() {
  printf '%s%s%s\n' "${2:-}" "$1" "${2:+$C_OFF}"
  [[ -z "${RUN_DIR:-}" ]] || printf '%(%FT%T%z)T %s\n' -1 "$1" 2>/dev/null >>"$RUN_DIR/run.log" || true # a full disk
}

say_ok() { say "$1" "$C_GREEN"; }
say_warning() { say "warning: $1" "$C_YELLOW"; }
say_error() { say "error: $1" "$C_RED" >&2; }

# die EXIT_CODE MESSAGE...: the one way to end with an error; every message is a line.
die() {
  local code="$1" line
  shift
  JSON_ERRORS=("$@")
  for line in "$@"; do say_error "$line"; done
  exit "$code"
}

# failure_hint LOG: the likely cause and the fix for a failed step, from what its log says last.
failure_hint() {
  local tail_text pattern cause fix
  tail_text="$(tail -n 60 -- "$1")"
  [[ "$(free_gib "$VENV_DIR")" != 0 ]] || tail_text+=" No space left on device" # not every program says so
  while IFS='~' read -r pattern cause fix; do
    if [[ "$tail_text" =~ $pattern ]]; then
      printf 'Likely cause: %s\nFix: %s, then run the same command again.\n' "$cause" "$fix"
      return 0
    fi
  done <<'TABLE'
No space left on device|Disk quota exceeded~the disk is full~free some space (df -h shows where) or set VENV_DIR, HF_HOME or TMPDIR to a larger disk
Read-only file system~a folder cannot be written to~set VENV_DIR, OUTPUT_DIR, DEMO_DIR, HF_HOME or TMPDIR to folders that you can write to
Could not get lock|is held by process|dpkg was interrupted~another package manager is at work, or was interrupted~wait until it has finished (sudo dpkg --configure -a repairs an interrupted one)
GLIBC(XX)?_[0-9.]+.? not found~a prebuilt package is for a newer system than this one~use Ubuntu 22.04 or newer
not in the sudoers|a password is required|Permission denied~a permission is missing~run as root or with passwordless sudo
CERTIFICATE_VERIFY_FAILED|certificate verify failed|self-signed certificate|UnknownIssuer~a server's certificate is not trusted here~check for a proxy that needs its own certificate (PIP_CERT, SSL_CERT_FILE)
(sha256|[Hh]ash|digest)[^\n]*(mismatch|differs)~a download is not the file that was pinned~look for a proxy that changes downloads
GatedRepoError|401 (Client Error|Unauthorized)~a server wants to know who asks: the token is missing or not valid~accept the model's licence, then set HF_TOKEN or run hf auth login
403 (Client Error|Forbidden)~a server refuses this account or this network~ask for access to the model, or check the proxy settings
(50[0234]|429) (Server Error|Client Error|Internal|Bad Gateway|Service|Gateway|Too Many)|error: (50[0234]|429)~a server or package index is out of order or overloaded~wait some minutes
resolve host|name resolution|dns error|Name or service not known~a host name cannot be resolved: no network~check the network and proxy settings
timed out|Connection reset|Connection refused|Network is unreachable|error sending request~a server cannot be reached~check the network and proxy settings
does not satisfy Python|requires a different Python~a pinned package needs another Python~set PYTHON_VERSION to 3.12.11
no version of|not found in the package registry|No matching distribution~a package registry lacks a pinned version~check PIP_INDEX_URL and pip's configuration, or use the public registry
Unable to locate package~the system's package lists lack a package~enable the distribution's standard repositories (Ubuntu: universe)
Killed|out of memory|Cannot allocate memory|MemoryError|signal: 9|exit code 137~the machine ran out of memory~close other programs or use a machine with more memory
BUILD FAILED~Python could not be compiled~read the build log named above; usually a development library is missing
TABLE
  printf 'Fix: read %s, repair the cause, then run the same command again.\n' "$1"
}

# json_escape TEXT: set ESCAPED to TEXT as a JSON string; what is not UTF-8 and control characters are left out.
json_escape() {
  ESCAPED="$1"
  [[ "$1" != *[!\ -~]* ]] || ESCAPED="$(iconv -c -f UTF-8 -t UTF-8 <<<"$1" || true)"
  ESCAPED="${ESCAPED//\\/\\\\}"
  ESCAPED="${ESCAPED//\"/\\\"}" ESCAPED="${ESCAPED//$'\n'/\\n}" ESCAPED="${ESCAPED//$'\t'/\\t}"
  ESCAPED="\"${ESCAPED//[[:cntrl:]]/}\""
}

# json_object NAME VALUE...: an object of strings; of NAME: the value is JSON itself; of NAME? it is null where it is
# empty, and a number or a truth value where it looks like one.
json_object() {
  local text=""
  while (($#)); do
    if [[ "$1" == *: || ("$1" == *\? && "$2" =~ ^(null|true|false|-?(0|[1-9][0-9]*)(\.[0-9]+)?)$) ]]; then
      ESCAPED="$2"
    elif [[ "$1" == *\? && -z "$2" ]]; then
      ESCAPED=null
    else
      json_escape "$2"
    fi
    text+="${text:+,${JSON_BREAK:- }}\"${1%[:?]}\": $ESCAPED"
    shift 2
  done
  printf '{%s}' "$text"
}

# json_list: the lines of standard input as a JSON list of strings; empty lines are left out.
json_list() {
  local line text=""
  while IFS= read -r line; do
    [[ -n "$line" ]] || continue
    json_escape "$line"
    text+="${text:+, }$ESCAPED"
  done
  printf '[%s]' "$text"
}

# json_part NAME VALUE: put VALUE (JSON itself) into the object that json_end prints.
json_part() { JSON_PARTS+=("$1:" "$2"); }

# json_end EXIT_CODE: the one object of --json, at the very end, on the standard output that eval_setup.sh put aside as
# descriptor 8: of a run that got to its steps its summary, else what was found until then.
json_end() {
  if [[ "${MODE:-}" == run && -f "${RUN_DIR:-}/summary.json" ]]; then
    cat -- "$RUN_DIR/summary.json" >&8
    return 0
  fi
  ((${#JSON_ERRORS[@]} == 0)) || json_part errors "$(printf '%s\n' "${JSON_ERRORS[@]}" | json_list)"
  JSON_BREAK=$'\n  ' json_object mode "${MODE:-run}" exit_code? "$1" "${JSON_PARTS[@]}" >&8
  echo >&8
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
