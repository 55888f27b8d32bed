# shellcheck shell=bash
# Downloads by pinned version and checksum.

# fetch URL SHA256 FILE: download over https only, verify, and only then give the file its name.
fetch() {
  local digest
  mkdir -p -- "$(dirname -- "$3")"
  curl --fail --silent --show-error --location --proto '=https' --proto-redir '=https' --tlsv1.2 \
    --retry 3 --connect-timeout 20 --speed-limit 1000 --speed-time 60 --output "$3.part" -- "$1"
  digest="$(sha256sum <"$3.part")"
  digest="${digest%% *}"
  if [[ -n "$2" && "$digest" != "$2" ]]; then
    rm -f -- "$3.part"
    echo "sha256 mismatch for $1: expected $2, got $digest" >&2
    return 1
  fi
  mv -f -- "$3.part" "$3"
}
