# shellcheck shell=bash
# The table of options: declared by eval_setup_config.sh, read from the environment, checked all at once.

declare -ga OPTION_NAMES=() OPTION_ERRORS=()
declare -gA OPTION_TYPE=() OPTION_DEFAULT=() OPTION_HELP=() OPTION_DEMO=()

# option NAME TYPE DEFAULT HELP
option() {
  OPTION_NAMES+=("$1")
  OPTION_TYPE[$1]="$2" OPTION_DEFAULT[$1]="$3" OPTION_HELP[$1]="$4"
}

# demo_option NAME DEFAULT: the default under --demo; @DEMO_DIR@ stands for that option's value.
demo_option() { OPTION_DEMO[$1]="$2"; }

# options_load INVOCATION_DIR DEMO: export every option, normalised; collect what is wrong in OPTION_ERRORS.
# EXPLICIT_OPTIONS lists the names that the user set, WRONG_OPTIONS those whose values are not taken.
options_load() {
  local name
  EXPLICIT_OPTIONS=" " WRONG_OPTIONS=" "
  [[ -z "${XDG_CACHE_HOME:-}" ]] || OPTION_DEFAULT[DEMO_DIR]="$XDG_CACHE_HOME/rusteval/demo"
  option_read DEMO_DIR "$1" 0
  for name in "${OPTION_NAMES[@]}"; do
    [[ "$name" == DEMO_DIR ]] || option_read "$name" "$1" "$2"
  done
  options_cross_rules
  export EXPLICIT_OPTIONS
}

# options_remember: what the user set for this run, for a later --status, which takes it up with options_recall FILE
# where the user sets nothing else.
options_remember() {
  local name
  printf 'DEMO=%s\n' "$DEMO"
  for name in $EXPLICIT_OPTIONS; do
    [[ "${OPTION_TYPE[$name]}" == secret || "${!name}" =~ ^https?://[^/]*@ ]] || printf '%s=%s\n' "$name" "${!name}"
  done
}

options_recall() {
  local line name value
  [[ -r "$1" ]] || return 0
  while IFS= read -r line; do
    name="${line%%=*}" value="${line#*=}"
    if [[ "$name" == DEMO ]]; then
      [[ "$DEMO" == 1 ]] || DEMO="$value"
    elif [[ " ${OPTION_NAMES[*]} " == *" $name "* && -n "$name" && -z "${!name:-}" ]]; then
      export "$name=$value"
    fi
  done <"$1"
}

# option_read NAME INVOCATION_DIR DEMO: take NAME from the environment or its default, check and normalise it.
option_read() {
  local name="$1" value="${!1:-}" type="${OPTION_TYPE[$1]}" problem=""
  if [[ -n "$value" ]]; then
    EXPLICIT_OPTIONS+="$name "
  elif [[ "$3" == 1 && -n "${OPTION_DEMO[$name]:-}" ]]; then
    # "$DEMO_DIR" is quoted, since & would stand for what was matched; the models are made by a step of the demo
    value="${OPTION_DEMO[$name]/@DEMO_DIR@/"$DEMO_DIR"}"
    [[ "$type" != model && "$type" != tasks ]] || type=made
  else
    value="${OPTION_DEFAULT[$name]}"
  fi
  OPTION_VALUE="$value"
  if [[ "$value" == *[[:cntrl:]]* || ! "$value" =~ ^.*$ ]]; then
    problem="must not contain control characters, nor what is not UTF-8"
    value="(not shown)"
  elif ! option_check "$type" "$value" "$2"; then
    problem="$OPTION_PROBLEM"
    [[ "$type" != secret ]] || value="(not shown)"
    ((${#value} <= 100)) || value="${value:0:100}..."
  fi
  if [[ -n "$problem" ]]; then
    WRONG_OPTIONS+="$name "
    OPTION_ERRORS+=("$name=$value: $problem (default: ${OPTION_DEFAULT[$name]:-none})")
  fi
  export "$name=$OPTION_VALUE"
}

# option_check TYPE VALUE DIR: set OPTION_VALUE to the normal form, or OPTION_PROBLEM and return 1.
option_check() {
  local value="$2" low high
  case "$1" in
    bool)
      check_pattern "${value,,}" '1|true|yes|on|0|false|no|off' "must be 1, true, yes, on or 0, false, no, off" || return 1
      OPTION_VALUE=0
      [[ "${value,,}" =~ ^(0|false|no|off)$ ]] || OPTION_VALUE=1
      ;;
    int:*)
      IFS=: read -r _ low high <<<"$1"
      check_pattern "$value" '[0-9]{1,12}' "must be a whole number from $low to $high" || return 1
      OPTION_VALUE="$((10#$value))"
      ((OPTION_VALUE >= low && OPTION_VALUE <= high))
      ;;
    csvint) check_pattern "$value" '0*[1-9][0-9]{0,8}(,0*[1-9][0-9]{0,8})*' "must be whole numbers above 0, separated by commas" ;;
    enum:*) check_pattern "$value" "${1#enum:}" "must be one of ${1#enum:}" ;;
    version) check_pattern "$value" '3\.(1[2-9]|[2-9][0-9])\.[0-9]{1,3}' "must be a full version, 3.12.0 or newer, such as 3.12.11" ;;
    url)
      OPTION_VALUE="${value%/}"
      check_pattern "$value" 'https?://[^[:space:]]+' "must be an http or https address"
      ;;
    secret) check_pattern "$value" '[A-Za-z0-9_.=/+~-]*' "must be the token alone, without spaces or quotes" ;;
    path) OPTION_VALUE="$(absolute_path "$value" "$3")" ;;
    program) check_program "$value" "$3" ;;
    model) check_model "$value" "$3" ;;
    tasks) check_tasks "$value" "$3" ;;
    made) ;;
    *) die 2 "internal: option type $1 is unknown" ;;
  esac
}

# check_pattern VALUE REGEX PROBLEM: does the whole of VALUE match?
check_pattern() {
  OPTION_PROBLEM="$3"
  [[ "$1" =~ ^($2)$ ]]
}

# check_program VALUE DIR: empty, or a file that can be run (made absolute).
check_program() {
  OPTION_PROBLEM="must be a file that can be run"
  [[ -n "$1" ]] || return 0
  OPTION_VALUE="$(absolute_path "$1" "$2")"
  [[ -f "$OPTION_VALUE" && -x "$OPTION_VALUE" ]]
}

# check_model VALUE DIR: a folder that exists (made absolute), or the form of a hub path.
check_model() {
  local folder name='[A-Za-z0-9][A-Za-z0-9._-]*'
  folder="$(absolute_path "$1" "$2")"
  if [[ -d "$folder" ]]; then
    OPTION_VALUE="$folder"
    return 0
  fi
  check_pattern "$1" "$name(/$name){0,2}" "no such folder: name one that exists, or a hub path such as org/name"
}

# check_tasks VALUE DIR: empty, ids, or @file with a file that exists (made absolute).
check_tasks() {
  if [[ "$1" == @* ]]; then
    OPTION_PROBLEM="the file ${1:1:100} cannot be read"
    OPTION_VALUE="@$(absolute_path "${1#@}" "$2")"
    [[ -f "${OPTION_VALUE#@}" && -r "${OPTION_VALUE#@}" ]]
  else
    check_pattern "$1" '([A-Za-z0-9_][A-Za-z0-9._/-]*(,|$))*' "must be task ids separated by commas, or @file"
  fi
}

# absolute_path PATH DIR: PATH with ~ expanded, relative to DIR, without . and .. and a final slash.
absolute_path() {
  local path="$1"
  # shellcheck disable=SC2088  # a literal tilde that the shell did not expand is expanded here
  if [[ "$path" == "~" || "$path" == "~/"* ]]; then
    path="$HOME${path#\~}"
  fi
  [[ "$path" == /* ]] || path="$2/$path"
  realpath -ms -- "$path"
}

# options_cross_rules: what no single option can know about itself; silent about those that are wrong already.
options_cross_rules() {
  local k
  if options_are_right NUM_SAMPLES K_VALUES; then
    for k in ${K_VALUES//,/ }; do
      ((10#$k <= NUM_SAMPLES)) ||
        OPTION_ERRORS+=("K_VALUES=${K_VALUES:0:100}: pass@$k needs $k samples, but NUM_SAMPLES is $NUM_SAMPLES: raise that or drop this k")
    done
  fi
  if options_are_right OUTPUT_DIR VENV_DIR && [[ "$OUTPUT_DIR/" == "$VENV_DIR/"* ]]; then
    OPTION_ERRORS+=("OUTPUT_DIR=$OUTPUT_DIR: lies inside VENV_DIR, which may be rebuilt: choose another folder")
  fi
  if options_are_right ENGINE VLLM_PYTHON && [[ -n "$VLLM_PYTHON" && "$ENGINE" != vllm-server ]]; then
    OPTION_ERRORS+=("VLLM_PYTHON=$VLLM_PYTHON: is for ENGINE=vllm-server alone, and ENGINE is $ENGINE: set that, or drop this")
  fi
  case "$VENV_DIR" in
    / | "$(absolute_path "~" /)") OPTION_ERRORS+=("VENV_DIR=$VENV_DIR: must be a folder of its own") ;;
    *[:\"\$\`\\]*)
      ! options_are_right VENV_DIR ||
        OPTION_ERRORS+=("VENV_DIR=$VENV_DIR: must not contain : \" \$ \` or \\, which the programs of a virtual environment cannot carry")
      ;;
    *) ;;
  esac
}

# options_are_right NAME...: is none of them wrong?
options_are_right() {
  local name
  for name in "$@"; do [[ "$WRONG_OPTIONS" != *" $name "* ]] || return 1; done
}

# option_is_explicit NAME: did the user set it?
option_is_explicit() { [[ "$EXPLICIT_OPTIONS" == *" $1 "* ]]; }

# options_markdown: the table for the README.
options_markdown() {
  local name default
  printf '| variable | default | meaning |\n| --- | --- | --- |\n'
  for name in "${OPTION_NAMES[@]}"; do
    default="${OPTION_DEFAULT[$name]}"
    # shellcheck disable=SC2016  # backquotes for Markdown
    printf '| `%s` | %s | %s |\n' "$name" "${default:+\`$default\`}" "${OPTION_HELP[$name]//|/\\|}"
  done
}

# options_text: the table for --help.
options_text() {
  local name help
  for name in "${OPTION_NAMES[@]}"; do
    help="${OPTION_HELP[$name]//\`/}"
    printf '  %-17s  %s%s\n' "$name" "$help" "${OPTION_DEFAULT[$name]:+ [${OPTION_DEFAULT[$name]}]}"
  done
}
