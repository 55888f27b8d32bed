# shellcheck shell=bash
# What can be reached: every source that a run takes something from, and the two models. All are asked at the same
# time, and nothing is written: the answers come through file descriptors.

# network_start: put every question, so that the rest of the preflight goes on while the answers are on their way.
network_start() {
  declare -gA NETWORK_ASKED=() NETWORK_SAID=() NETWORK_OPEN=()
  NETWORK_SOURCES=() NETWORK_NOTE="" NETWORK_UNASKED=0 REGISTRY_CERT="" HUB="${HF_ENDPOINT:-https://huggingface.co}"
  if command -v curl >/dev/null; then
    hub_ask
    network_sources
  else
    NETWORK_NOTE="network and access to the models are asked for once curl is installed, and not now"
    # shellcheck disable=SC2034  # read by lib/runner.sh
    NETWORK_UNASKED=1
  fi
}

# network_source NAME LEVEL STEPS ADDRESS [SETTING]: ask for a source. STEPS take something from it; LEVEL is what it is at
# worst that it cannot be reached (FAIL; warn; any: FAIL where no other "any" answers).
network_source() {
  NETWORK_SOURCES+=("$1|$2|$3|$4")
  network_ask "${@:4}"
}

network_sources() {
  local rust="$RUSTUP_URL"
  network_source "the PyTorch index" warn "torch vllm" "$TORCH_INDEX/$(torch_profile)/torch/"
  [[ -f "${PYENV_ROOT:-$HOME/.pyenv}/plugins/python-build/share/python-build/$PYTHON_VERSION" ]] ||
    network_source pyenv FAIL python "$PYENV_URL"
  network_source "Python's source" FAIL python "${PYTHON_BUILD_MIRROR_URL:-https://www.python.org/ftp/python}/"
  [[ "$FLASH_ATTN" == off || "$(torch_profile)" == cpu ]] ||
    network_source FlashAttention warn flash_attn "${FLASH_ATTN_RELEASES%/download}"
  ! PATH="$(rust_path)" command -v rustup >/dev/null || rust="${RUSTUP_DIST_SERVER:-$rust}"
  network_source Rust FAIL rust "$rust"
  registry_source
}

# registry_source: the Python package registry: the user's setting, else what pip's own command line goes by. Where
# there are other places that packages may come from, it is no more than a warning; the same for a certificate of pip's own.
registry_source() {
  local python index="${UV_DEFAULT_INDEX:-${UV_INDEX_URL:-}}" level=FAIL
  local -a pip=()
  [[ -z "${PIP_NO_INDEX:-}" || -n "$index" ]] || return 0 # a pip that asks nobody
  while ((${#pip[@]} == 0)) && read -r python; do
    mapfile -t pip < <(timeout 5 "$python" -I -c '
from pip._internal.commands import create_command
options = create_command("install").parser.parse_args([])[0]
print("" if options.no_index else options.index_url)
print(options.find_links + options.extra_index_urls + options.trusted_hosts or "")
print(options.cert or "")' 2>/dev/null </dev/null)
  done < <(printf '%s\n' "$VENV_DIR/bin/python" && python_candidates)
  [[ ! "$index" =~ ^[A-Za-z0-9._-]+=(.+)$ ]] || index="${BASH_REMATCH[1]}" # uv's NAME=ADDRESS
  index="${index:-${pip[0]:-}}" REGISTRY_CERT="${pip[2]:-}"
  if [[ -n "$index" && -z "${UV_NO_INDEX:-}" ]]; then
    [[ -z "${pip[1]:-}${UV_INDEX:-}${UV_EXTRA_INDEX_URL:-}${UV_FIND_LINKS:-}" ]] || level=warn
    network_source "the Python package registry" "$level" "venv torch packages vllm ecosystem driver" "$index"
  elif ((${#pip[@]} == 0)); then
    NETWORK_NOTE="the Python package registry is not checked, since no Python here has a pip that knows its address"
  fi
}

# network_apt_sources: where apt takes packages from, and by which proxy, if one that this run may need is missing.
# shellcheck disable=SC2016  # a name of apt's own
network_apt_sources() {
  local site proxy
  local -a sandboxes
  mapfile -t sandboxes < <(sandbox_wanted)
  command -v curl >/dev/null && [[ -n "${PREFLIGHT_MISSING[*]}$(packages_missing "${sandboxes[@]}")" ]] || return 0
  proxy="$(apt-config dump --format '%v' Acquire::http::Proxy 2>/dev/null)" || proxy=""
  while read -r site; do
    [[ "$site" != http* ]] ||
      network_source "system packages" any "system_deps sandbox" "$site" "${proxy:+proxy = \"${proxy/DIRECT/}\"}"
  done < <(timeout 5 apt-get indextargets --format '$(SITE)' "Created-By: Packages" 2>/dev/null | sort -u)
}

# network_ask ADDRESS [SETTING]: ask for the head of ADDRESS in the background.
network_ask() {
  local answer
  [[ -z "${NETWORK_ASKED[$1]:-}" ]] || return 0
  exec {answer}< <(network_probe "$@")
  NETWORK_ASKED[$1]="$answer"
}

# network_probe ADDRESS [SETTING]: the status, the proxy's status and curl's exit code. Addresses and settings may hold
# secrets, so curl reads them from its standard input.
network_probe() {
  local code=0 address="${1//\\/\\\\}"
  printf 'url = "%s"\n%s\n' "${address//\"/\\\"}" "${2:-}" |
    curl --silent --head --output /dev/null --write-out '%{http_code} %{http_connect}' --connect-timeout 4 --max-time 7 \
      --config - 2>/dev/null || code=$?
  printf ' %s\n' "$code"
}

# network_answer ADDRESS: wait for its answer, and set STATUS (000 without one), PROBLEM (empty where a server answered)
# and REMEDY.
network_answer() {
  local proxy code descriptor="${NETWORK_ASKED[$1]}"
  local -a words=([5]="the proxy's name cannot be resolved" [6]="no such host, or no network"
    [7]="the connection is refused" [28]="no answer in time")
  if [[ -z "${NETWORK_SAID[$1]:-}" ]]; then
    read -r -u "$descriptor" STATUS || STATUS="000 000 1"
    exec {descriptor}<&-
    NETWORK_SAID[$1]="$STATUS"
  fi
  read -r STATUS proxy code <<<"${NETWORK_SAID[$1]}"
  PROBLEM="" REMEDY="check the network and the proxy settings (https_proxy, http_proxy, no_proxy)"
  case "$STATUS:${proxy:-000}:${code:-0}" in
    407:* | *:407:*)
      PROBLEM="the proxy asks for a login (407)"
      REMEDY="put the login into the proxy settings: https_proxy=http://USER:PASSWORD@HOST:PORT"
      ;;
    5??:*) PROBLEM="answers $STATUS" REMEDY="try again later, or use a mirror" ;;
    [1-4]??:* | *:0) ;;
    *:[45]??:*) PROBLEM="the proxy refuses it ($proxy)" REMEDY="have the proxy let it through, or set no_proxy" ;;
    *:35 | *:58 | *:60 | *:77)
      PROBLEM="no trusted connection (TLS fails, or the certificate is not trusted here)"
      REMEDY="check the clock, and for a proxy with a certificate of its own (SSL_CERT_FILE, PIP_CERT)"
      ;;
    *) PROBLEM="${words[${code:-1}]:-curl ends with exit code ${code:-1}}" ;;
  esac
}

# address_host ADDRESS: its host, without a login.
address_host() {
  local rest="${1#*://}"
  rest="${rest%%/*}"
  printf '%s' "${rest##*@}"
}

# network_need STEP...: set NEED: FAIL where one of them is still to be done, warn where only optional ones are, else ok.
network_need() {
  local step
  NEED=ok
  for step in "$@"; do
    if [[ -z "${NETWORK_OPEN[$step]:-}" ]]; then
      NETWORK_OPEN[$step]=yes
      if [[ "$SELECTED" != *" $step "* ]] || (runner_check "$step" /dev/null); then NETWORK_OPEN[$step]=no; fi
    fi
    [[ "${NETWORK_OPEN[$step]}" == yes ]] || continue
    NEED=warn
    [[ -n "${STEP_OPTIONAL[$step]}" ]] || NEED=FAIL
    [[ "$NEED" != FAIL ]] || return 0
  done
}

# preflight_network: what answers in one line, and what does not in one line for each cause.
preflight_network() {
  local source name level steps address reached="" any=FAIL
  local -a silent=()
  [[ -z "$NETWORK_NOTE" ]] || preflight_warning network "$NETWORK_NOTE"
  for source in "${NETWORK_SOURCES[@]}"; do
    IFS='|' read -r name level steps address <<<"$source"
    network_answer "$address"
    [[ "$STATUS" != 40[0134] || "$name" != the\ * ]] || PROBLEM="answers $STATUS" REMEDY="check the address" level=warn
    [[ -z "$REGISTRY_CERT" || "$PROBLEM" != *TLS* || "$name" != *registry ]] || level=warn
    name+=" ($(address_host "$address"))"
    if [[ -n "$PROBLEM" ]]; then
      silent+=("$level|$steps|$PROBLEM|$REMEDY|$name")
    else
      [[ ", $reached," == *", $name,"* ]] || reached+="${reached:+, }$name"
      [[ "$level" != any ]] || any=warn
    fi
  done
  [[ -z "$reached" ]] || passed network "in reach: $reached"
  ((${#silent[@]} == 0)) || network_report "$any" "${silent[@]}"
}

# network_report ANY LEVEL|STEPS|PROBLEM|REMEDY|NAME...: what is out of reach; it fails where a step that a run cannot do
# without still takes something from there. ANY is what LEVEL "any" stands for.
network_report() {
  local source level steps problem remedy name
  local -A names=()
  [[ -v STEPS ]] || runner_load_table
  for source in "${@:2}"; do
    IFS='|' read -r level steps problem remedy name <<<"$source"
    # shellcheck disable=SC2086  # words
    network_need $steps
    [[ "$level" != any ]] || level="$1"
    [[ "$NEED" != FAIL ]] || NEED="$level"
    problem="$NEED|$problem|$remedy"
    [[ ", ${names[$problem]:-}," == *", $name,"* ]] || names[$problem]+="${names[$problem]:+, }$name"
  done
  while IFS='|' read -r level problem remedy; do
    name="${names["$level|$problem|$remedy"]}"
    case "$level" in
      FAIL) finding network "$name: $problem" "$remedy" ;;
      warn) preflight_warning network "$name: $problem; a run may do without" "$remedy" ;;
      *) passed network "out of reach, but nothing is needed from there: $name ($problem)" ;;
    esac
  done < <(printf '%s\n' "${!names[@]}" | sort)
}

# on_this_machine MODEL: a folder, or in the local hub cache.
on_this_machine() {
  local name
  name="$(cut -d/ -f1-2 <<<"$1")"
  [[ "$1" == /* ]] || compgen -G "${HF_HUB_CACHE:-${HF_HOME:-${XDG_CACHE_HOME:-$HOME/.cache}/huggingface}/hub}/models--${name//\//--}/snapshots/*/" >/dev/null
}

# hub_models: MODEL|ADDRESS, for each model that is not on this machine; the address is that of a file that must be there.
hub_models() {
  local model file name folder
  [[ "$DEMO" == 0 && -z "${ONLY:-}" ]] || return 0 # only an evaluation takes them
  while read -r model file; do
    name="$(cut -d/ -f1-2 <<<"$model")" folder="$(cut -d/ -f3- -s <<<"$model")"
    on_this_machine "$model" ||
      printf '%s|%s/%s/resolve/main/%s\n' "$model" "$HUB" "$name" "${folder:+$folder/}$file"
  done <<<"$BASE_MODEL config.json"$'\n'"$CHECKPOINT_PATH adapter_config.json"
}

# hub_token: the user's token, from the environment or where the hub's own tools keep it.
hub_token() {
  local file="${HF_TOKEN_PATH:-${HF_HOME:-${XDG_CACHE_HOME:-$HOME/.cache}/huggingface}/token}"
  if [[ -n "${HF_TOKEN:-}" ]]; then
    printf '%s' "$HF_TOKEN"
  elif [[ -r "$file" ]]; then
    tr -d '[:space:]' <"$file"
  fi
}

# hub_ask: ask for every model that is not on this machine, with the token as it is now.
hub_ask() {
  local address token
  token="$(hub_token)"
  while IFS='|' read -r _ address; do
    NETWORK_ASKED[$address]="" NETWORK_SAID[$address]=""
    network_ask "$address" "${token:+header = \"Authorization: Bearer $token\"}"
  done < <(hub_models)
}

# preflight_models: can the two models be had? No token, no permission and no such model are told apart. Where there is
# no token, a person may give one, and the hub is asked again.
preflight_models() {
  local model away="" wanted="" cause remedy
  local -a models
  mapfile -t models < <(hub_models)
  ((${#models[@]})) || [[ "$DEMO" == 1 || -n "${ONLY:-}" ]] || passed model "both are on this machine"
  command -v curl >/dev/null || return 0
  for model in "${models[@]}"; do
    network_answer "${model#*|}"
    wanted+="$STATUS "
  done
  if [[ "$wanted" == *401* && "${MODE:-}" == run && "$INTERACTIVE" == 1 && -z "$(hub_token)" ]] && ui_hub_token; then hub_ask; fi
  for model in "${models[@]}"; do
    network_answer "${model#*|}"
    [[ -n "$PROBLEM" ]] || preflight_model "${model%%|*}"
    [[ -z "$PROBLEM" ]] || away+="${away:+, }${model%%|*}" cause="$PROBLEM" remedy="$REMEDY"
  done
  [[ -z "$away" ]] || finding model "the model hub cannot be reached ($cause), and this is not on this machine: $away" \
    "$remedy, or set BASE_MODEL and CHECKPOINT_PATH to local folders"
}

# preflight_model MODEL: what the hub's STATUS says of it.
preflight_model() {
  case "$STATUS:$(hub_token)" in
    200:* | 30?:*) passed model "$1 can be downloaded" ;;
    401:) finding model "$1 needs a Hugging Face token (or does not exist), and there is none" \
      "accept the licence at $HUB/$1, then set HF_TOKEN or run: hf auth login" ;;
    401:*) finding model "$1: the Hugging Face token is not valid, or there is no such model" \
      "make a new token in your Hugging Face settings, and check the name" ;;
    403:*) finding model "$1: this Hugging Face account has no permission" "ask for access at $HUB/$1" ;;
    404:*) finding model "$1: there is no such model, or no such folder in it" "check the spelling of the model's name" ;;
    *) finding model "$1: the model hub answered $STATUS" "try again later" ;;
  esac
}
