// Colours for Rust and for what rustc says. Text becomes text nodes only: nothing in it can be markup.
// This is a scanner for looks; whatever it takes for the wrong thing still stands there unchanged.
const RUST_TOKEN = new RegExp(
  [
    String.raw`(?<comment>\/\/[^\n]*)`,
    String.raw`(?<string>(?:b|c)?r(?<hashes>#*)"[^]*?"\k<hashes>|(?:b|c)?"(?:\\[^]|[^"\\])*"?|b?'(?:\\(?:u\{[^}']*\}|x..|[^])|[^\\'\n])')`,
    String.raw`(?<lifetime>'[\p{L}_][\p{L}\p{N}_]*)`,
    String.raw`(?<attribute>#!?\[[^\]\n]*\])`,
    String.raw`(?<number>\d[\d_]*(?:\.\d[\d_]*)?(?:[eE][+-]?\d+)?[\p{L}\p{N}_]*)`,
    String.raw`(?<macro>[\p{L}_][\p{L}\p{N}_]*!(?![=]))`,
    String.raw`(?<word>[\p{L}_][\p{L}\p{N}_]*)`,
  ].join("|"),
  "yu",
);
const RUST_KEYWORDS = new Set(
  ("as async await break const continue crate dyn else enum extern false fn for if impl in let loop match mod move mut " +
    "pub ref return self Self static struct super trait true type union unsafe use where while").split(" "),
);
const RUST_PRIMITIVES = new Set(
  "bool char f32 f64 i8 i16 i32 i64 i128 isize str u8 u16 u32 u64 u128 usize".split(" "),
);

function span(text, className) {
  const made = document.createElement("span");
  made.className = className;
  made.textContent = text;
  return made;
}

function endOfBlockComment(text, start) {
  let depth = 0;
  let at = start;
  do {
    if (text.startsWith("/*", at)) { depth += 1; at += 2; }
    else if (text.startsWith("*/", at)) { depth -= 1; at += 2; }
    else at += 1;
  } while (depth > 0 && at < text.length);
  return at;
}

function kindOfWord(word, next) {
  if (RUST_KEYWORDS.has(word)) return "keyword";
  if (RUST_PRIMITIVES.has(word) || /^\p{Lu}/u.test(word)) return "type";
  return next === "(" ? "function" : "";
}

function appendRust(target, text) {
  let plain = 0;
  let at = 0;
  const add = (end, kind) => {
    if (kind) {
      target.append(text.slice(plain, at), span(text.slice(at, end), "t-" + kind));
      plain = end;
    }
    at = end;
  };
  while (at < text.length) {
    RUST_TOKEN.lastIndex = at;
    const match = text.startsWith("/*", at) ? null : RUST_TOKEN.exec(text);
    if (text.startsWith("/*", at)) add(endOfBlockComment(text, at), "comment");
    else if (!match) at += 1;
    else {
      const end = RUST_TOKEN.lastIndex;
      const kind = Object.keys(match.groups).find((name) => name !== "hashes" && match.groups[name] !== undefined);
      add(end, kind === "word" ? kindOfWord(match[0], text[end]) : kind);
    }
  }
  target.append(text.slice(plain));
}

// An answer of a chat model is often prose around fenced code: only what stands in fences is code then.
function showRust(target, text) {
  target.replaceChildren();
  const lines = text.split(/(?<=\n)/);
  const isFence = (line) => line.trimStart().startsWith("```");
  if (!lines.some(isFence)) {
    appendRust(target, text);
    return;
  }
  let inside = false;
  let block = "";
  const flush = () => {
    if (inside) appendRust(target, block);
    else if (block) target.append(span(block, "t-prose"));
    block = "";
  };
  for (const line of lines) {
    if (!isFence(line)) { block += line; continue; }
    flush();
    target.append(span(line, "t-comment"));
    inside = !inside;
  }
  flush();
}

function showMessage(target, text) {
  target.replaceChildren();
  for (const line of text.split(/(?<=\n)/)) {
    const start = line.trimStart();
    if (/^error\b/.test(start)) target.append(span(line, "t-error"));
    else if (/^warning\b/.test(start)) target.append(span(line, "t-warning"));
    else if (/^(-->|= (note|help)|note\b|help\b)/.test(start)) target.append(span(line, "t-comment"));
    else target.append(line);
  }
}
