# shellcheck shell=bash
# What can be reached: the model hub and the two models in it.

# hub_cached MODEL: the folder of MODEL's files in the local hub cache; empty where there is none.
hub_cached() {
  local repo rest="" hub="${HF_HUB_CACHE:-${HF_HOME:-$HOME/.cache/huggingface}/hub}" file
  IFS=/ read -r repo rest <<<"$1"
  repo+="${rest:+/${rest%%/*}}"
  for file in "$hub/models--${repo//\//--}"/snapshots/*/; do
    [[ ! -d "$file" ]] || printf '%s' "$file"
    return 0
  done
}

# preflight_models: can the two models be had? No token, no permission and no such model are told apart.
preflight_models() {
  local model file status seen=0
  [[ "$DEMO" == 0 ]] || return 0
  for model in "$BASE_MODEL|config.json" "$CHECKPOINT_PATH|adapter_config.json"; do
    file="${model##*|}" model="${model%|*}"
    if [[ "$model" == /* || -n "$(hub_cached "$model")" ]]; then
      passed model "$model is on this machine"
    elif ! command -v curl >/dev/null; then
      preflight_warning model "$model: access is not checked, since curl is not installed yet"
    elif [[ "$seen" == 000 ]]; then
      continue # the hub was just found to be out of reach
    else
      status="$(hub_status "$(hub_file_url "$model" "$file")")"
      seen="$status"
      preflight_model_status "$model" "$status"
    fi
  done
}

# hub_file_url MODEL FILE: FILE of org/name, or of org/name/sub-folder.
hub_file_url() {
  local repo sub=""
  repo="$(cut -d/ -f1-2 <<<"$1")"
  [[ "$1" == "$repo" ]] || sub="${1#"$repo"/}/"
  printf '%s/%s/resolve/main/%s%s' "${HF_ENDPOINT:-https://huggingface.co}" "$repo" "$sub" "$2"
}

# hub_token: the user's token, from the environment or where the hub's own tools keep it.
hub_token() {
  local file="${HF_TOKEN_PATH:-${HF_HOME:-$HOME/.cache/huggingface}/token}"
  if [[ -n "${HF_TOKEN:-}" ]]; then
    printf '%s' "$HF_TOKEN"
  elif [[ -r "$file" ]]; then
    tr -d '[:space:]' <"$file"
  fi
}

# hub_status URL: the HTTP status of URL; 000 where the hub cannot be reached. The token is passed on standard input.
hub_status() {
  local token
  token="$(hub_token)"
  curl --silent --head --output /dev/null --write-out '%{http_code}' --connect-timeout 4 --max-time 8 \
    --config - "$1" <<<"${token:+header = \"Authorization: Bearer $token\"}" || true
}

preflight_model_status() {
  local page="${HF_ENDPOINT:-https://huggingface.co}/$1" token
  token="$(hub_token)"
  case "$2" in
    200 | 30?) passed model "$1 can be downloaded" ;;
    401)
      if [[ -z "$token" ]]; then
        finding model "$1 needs a Hugging Face token (or does not exist), and there is none" \
          "accept the licence at $page, then set HF_TOKEN or run: hf auth login"
      else
        finding model "$1: the Hugging Face token is not valid, or there is no such model" \
          "make a new token in your Hugging Face settings, and check the name"
      fi
      ;;
    403) finding model "$1: this Hugging Face account has no permission" "ask for access at $page" ;;
    404) finding model "$1: there is no such model, or no such folder in it" "check the spelling of the model's name" ;;
    000) finding model "the model hub cannot be reached, and $1 is not on this machine" \
      "check the network and proxy settings, or set BASE_MODEL and CHECKPOINT_PATH to local folders" ;;
    *) finding model "$1: the model hub answered $2" "try again later" ;;
  esac
}
