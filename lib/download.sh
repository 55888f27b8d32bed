# shellcheck shell=bash
# Downloads by pinned version and checksum, and what is tried again when a network fails for a while.

# retry COMMAND...: up to 5 times (RETRY_ATTEMPTS), with growing pauses, while COMMAND says that a network or a server
# failed in a way that may pass; a server may ask for a longer pause. Answers such as 404, a full disk or a wrong
# checksum never pass by themselves.
retry() {
  local said code attempt attempts="${RETRY_ATTEMPTS:-5}" pause="${RUSTEVAL_RETRY_PAUSE:-2}"
  local passing='curl: \((5|6|7|16|18|28|35|52|55|56|92)\)|returned error: (408|429|500|502|503|504)'
  passing+='|esolve host|onnect to|timed out|reset by peer|early EOF|hung up|disconnect|RPC failed'
  for ((attempt = 1; ; attempt++)); do
    code=0
    said="$("$@" 2>&1)" || code=$?
    grep -v $'\r' <<<"$said" >&2 || true # all but the headers of an answer
    if ((code == 0 || attempt == attempts)) || [[ ! "$said" =~ $passing ]]; then return "$code"; fi
    [[ ! "${said,,}" =~ retry-after:\ *([0-9]{1,2})[^0-9] ]] || pause="$((10#${BASH_REMATCH[1]} > pause ? 10#${BASH_REMATCH[1]} : pause))"
    echo "attempt $attempt of $attempts failed; the next one in $pause s" >&2
    sleep "$pause"
    pause=$((pause * 2))
  done
}

# http_get URL FILE PROTOCOLS: one attempt, its headers on standard output. The address may hold a password: it goes by
# standard input.
http_get() {
  local protocols="$3"
  [[ ! "$1" =~ ^http://127\.0\.0\.1(:[0-9]+)?/ ]] || protocols="=http" # this machine
  curl --fail --silent --show-error --location --proto "$protocols" --proto-redir "$protocols" --tlsv1.2 \
    --connect-timeout 10 --speed-limit 1000 --speed-time "${RUSTEVAL_STALL_TIME:-60}" --dump-header - --output "$2" \
    --config - <<<"url = \"${1//\"/%22}\""
}

# answers URL: does a server have this page? Over http as well, if the user says so: nothing of it is kept.
answers() { RETRY_ATTEMPTS=3 retry http_get "$1" /dev/null =http,https; }

# fetch URL SHA256 FILE: download over https alone, verify, and only then give the file its name. Also right in a condition.
fetch() {
  local digest="" code=0
  [[ -d "${3%/*}" ]] || made folder "${3%/*}" || return
  { mkdir -p -- "${3%/*}" && retry http_get "$1" "$3.part" =https && digest="$(sha256sum <"$3.part")"; } || code=$?
  digest="${digest%% *}"
  [[ -n "$2" || "$code" != 0 ]] || echo "no checksum is pinned for $1, which has sha256 $digest" >&2
  if ((code == 0)) && [[ "$digest" != "${2:-$digest}" ]]; then
    echo "sha256 mismatch for $1: expected $2, got $digest" >&2
    code=1
  fi
  if ((code == 0)); then mv -f -- "$3.part" "$3"; else rm -f -- "$3.part" && return "$code"; fi
}
