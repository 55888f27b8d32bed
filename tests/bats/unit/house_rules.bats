#!/usr/bin/env bats
# Rules that keep the harness small and its dangerous commands in one place each. They look at the syntax tree, so
# neither a message nor a comment counts as a command.
load ../helper

readonly LONGEST_FUNCTION=50 LARGEST_LIB=3000

setup_file() {
  local file
  cd "$PROJECT" || return 1
  for file in eval_setup.sh eval_setup_config.sh lib/*.sh; do
    shfmt --to-json <"$file" >"$BATS_FILE_TMPDIR/tree.json"
    jq -r --arg file "$file" "$CALLS" "$BATS_FILE_TMPDIR/tree.json" >>"$BATS_FILE_TMPDIR/calls"
    jq -r --arg file "$file" '.. | objects | select(.Type == "FuncDecl") |
      [$file, .Name.Value, .End.Line - .Pos.Line + 1] | @tsv' "$BATS_FILE_TMPDIR/tree.json" >>"$BATS_FILE_TMPDIR/functions"
    jq -r --arg file "$file" '.Stmts[] | [$file, .Cmd.Type, .Pos.Line] | @tsv' "$BATS_FILE_TMPDIR/tree.json" >>"$BATS_FILE_TMPDIR/statements"
    jq -r --arg file "$file" '.. | objects | select(.Type == "BinaryCmd" and (.Op | tostring | test("^[|]|^12$|^13$"))) |
      .Y.Cmd.Args[0]? | [$file, (.Parts[0].Value // "")] | @tsv' "$BATS_FILE_TMPDIR/tree.json" >>"$BATS_FILE_TMPDIR/pipes"
  done
}

# Every command as "file, function, words...", a word without what is expanded in it.
CALLS='
def word: [.Parts[]? | (.Value? // (.Parts[]?.Value?) // empty)] | map(strings) | join("");
def calls($function):
  if type == "object" then
    (if .Type == "CallExpr" then [$file, $function, (.Args[]? | word)] else empty end),
    ((if .Type == "FuncDecl" then .Name.Value else $function end) as $inner | .[] | calls($inner))
  elif type == "array" then .[] | calls($function)
  else empty end;
calls("-") | @tsv'

# callers NAME...: "file function" of each place that runs one of these programs, by itself or through another command.
callers() {
  awk -F'\t' -v names=" $* " '
    index(names, " " $3 " ") { print $1, $2; next }
    $3 ~ /^(exec|timeout|env|as_root|nohup|setsid|xargs|command|builtin|nice)$/ && $4 != "-v" {
      for (i = 4; i <= NF; i++) if (index(names, " " $i " ")) { print $1, $2; next }
    }' "$BATS_FILE_TMPDIR/calls" | sort -u
}

# only_in PATTERN NAME...: every place that runs one of these is "file function" of this pattern, and there is one.
only_in() {
  local others
  [[ -n "$(callers "${@:2}")" ]] || { echo "nobody runs ${*:2}: is this rule still right?"; return 1; }
  others="$(callers "${@:2}" | grep -vxE -- "$1")" || return 0
  printf '%s run outside of %s:\n%s\n' "${*:2}" "$1" "$others"
  return 1
}

@test "root is asked for in one place, and the package manager is called in one" {
  only_in 'lib/system_deps.sh (as_root|have_root)' sudo
  # the other one only asks where packages come from
  only_in 'lib/system_deps.sh apt_get|lib/network.sh network_apt_sources' apt-get
  [[ -z "$(callers apt aptitude dpkg su pkexec doas)" ]]
}

@test "the network is reached from two files" {
  only_in 'lib/(download|network).sh .*' curl
  [[ -z "$(callers wget nc ncat)" ]]
}

@test "tmux is called in one file" { only_in 'lib/tmux.sh .*' tmux; }

@test "a person is asked in one file" {
  run grep -P '\tread\t(.*\t)?-\w*[ps]' "$BATS_FILE_TMPDIR/calls"
  [[ "$status" == 0 ]]
  run ! grep -v '^lib/ui.sh' <<<"$output"
  run ! grep -n '/dev/tty' "$PROJECT"/eval_setup.sh "$PROJECT"/lib/[!u]*.sh
}

@test "text is never run: no eval, nothing piped into a shell, nothing sourced but the libraries and the table" {
  [[ -z "$(callers eval wget)" ]]
  grep -q 'awk$' "$BATS_FILE_TMPDIR/pipes"
  run ! grep -P '\t(ba|da|z|)sh$|\tpython' "$BATS_FILE_TMPDIR/pipes"
  only_in 'lib/step_main.sh harness_load|lib/sigilderg.sh sigilderg_main|eval_setup.sh main' source .
}

@test "nothing is traced, since a trace shows secrets" { run ! grep -P '\tset\t-\w*[xv]' "$BATS_FILE_TMPDIR/calls"; }

@test "libraries define functions and variables, and do nothing else when they are sourced" {
  # the two that are programs as well end with the call of their main function
  run ! grep -P '^lib/(?!(step_main|sigilderg).sh\tIfClause)[^\t]*\t(?!FuncDecl|DeclClause)' "$BATS_FILE_TMPDIR/statements"
}

@test "no function is longer than a screen" {
  grep -q . "$BATS_FILE_TMPDIR/functions"
  run awk -F'\t' -v most="$LONGEST_FUNCTION" '$3 > most' "$BATS_FILE_TMPDIR/functions"
  echo "longer than $LONGEST_FUNCTION lines: $output"
  [[ -z "$output" ]]
}

@test "the libraries stay small" {
  local lines
  lines="$(cat "$PROJECT"/lib/*.sh | wc -l)"
  echo "lib/*.sh has $lines lines, $LARGEST_LIB are allowed"
  ((lines <= LARGEST_LIB))
}

@test "every function is called" {
  local name unused="" text prefixes
  text="$(cat "$PROJECT"/eval_setup*.sh "$PROJECT"/lib/*.sh | grep -v '^ *#')"
  prefixes=" $(grep -oP '"\K[a-z_]+_(?=\$)' <<<"$text" | sort -u | paste -sd ' ') " # called as "prefix_$name"
  for name in $(cut -f2 "$BATS_FILE_TMPDIR/functions" | sort -u); do
    if [[ "$name" == *_@(check|apply|install) || "$prefixes" == *" ${name%%_*}_ "* ]]; then continue; fi
    grep -v "^$name()" <<<"$text" | grep -qw -- "$name" || unused+=" $name"
  done
  echo "defined and never used:$unused"
  [[ -z "$unused" ]]
}

@test "every step of the table has its two verbs" {
  load_harness 1
  runner_load_table
  ((${#STEPS[@]} > 10))
  local id
  for id in "${STEPS[@]}"; do declare -F "${id}_check" "${id}_apply"; done
}
