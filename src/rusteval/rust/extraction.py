"""Find the answer in what a model wrote: any shape that a Rust programmer would read as the function asked for.

The answer is the entry point and what it needs. What stands before the function is kept; of what follows, only
items that the kept text mentions are, so that an example `main`, tests of the model's own or a runaway
continuation cannot decide about a right function. Dropped text leaves its line breaks behind: line numbers stay.
"""

from dataclasses import dataclass, replace

from rusteval.rust.containers import way_to_contained
from rusteval.rust.fences import split_markdown
from rusteval.rust.items import find_function, has_main, needed_items, only_items, without_example_parts
from rusteval.rust.prompt import read_prompt
from rusteval.rust.syntax import Token, matching_brace, parse, tokens_in
from rusteval.rust.wrapping import clean_text, unescape_markup, unwrap

MAX_ANSWER_CHARACTERS = 100_000
_MAX_PROSE_STARTS = 20
_ITEM_STARTS = (
    "fn ", "pub ", "pub(", "use ", "const ", "static ", "struct ", "enum ", "union ", "impl ", "impl<", "trait ",
    "type ", "mod ", "unsafe ", "async ", "extern ", "macro_rules!", "#[", "#![", "//", "/*",
)  # fmt: skip
_CODE_MARKS = frozenset({";", "{", "}", "="})
_FENCED = "fenced:"
_BRACE_ADDED = "closing brace added"
_UNCLEAN = "does not parse as a whole"


@dataclass(frozen=True, kw_only=True)
class Extraction:
    """What was found in a completion.

    `source` is the text of the answer's module, with the entry point at its top level; None if there is no
    usable code. `main_free` says that the answer has no `fn main` of its own. `note` says why there is no code,
    or what was mended.
    """

    strategy: str
    source: str | None
    main_free: bool
    note: str | None


@dataclass(frozen=True, kw_only=True)
class _Reading:
    """One way to read one piece of a completion. `clean` says that the kept part parses without an error."""

    strategy: str
    source: str
    clean: bool
    main_free: bool
    note: str | None = None


def extract_answer(completion: str, *, prompt: str, entry_point: str) -> Extraction:
    """Find the function that a completion answers with.

    Args:
        completion: the raw text of the model.
        prompt: what the completion continues or answers; may end inside the open function.
        entry_point: name of the function asked for.

    Returns:
        The extraction; `strategy` is `no_code` where nothing usable was found. No text makes this raise.
    """
    if len(completion) > MAX_ANSWER_CHARACTERS:
        return _no_code(f"the answer has {len(completion)} characters, more than {MAX_ANSWER_CHARACTERS}")
    text = unwrap(clean_text(completion))
    if text is None:
        return _no_code("the reasoning never ended")
    if not text.strip():
        return _no_code("the answer is empty")
    reader = _Reader(prompt=clean_text(prompt), entry_point=entry_point)
    reading = _best_reading(text, reader=reader)
    unescaped = None if reading is not None and reading.clean else unescape_markup(text)
    if unescaped is not None:
        reading = _best_reading(unescaped, reader=reader)
    if reading is None:
        return _no_code(f"no Rust code that defines or continues `{entry_point}`")
    return Extraction(
        strategy=reading.strategy, source=reading.source, main_free=reading.main_free, note=reading.note
    )


def _no_code(note: str) -> Extraction:
    return Extraction(strategy="no_code", source=None, main_free=True, note=note)


def _best_reading(text: str, *, reader: "_Reader") -> _Reading | None:
    """Try the readings of a completion from the most to the least certain; within one kind the last fence wins."""
    markdown = split_markdown(text)
    rust = [fence.text for fence in reversed(markdown.fences) if fence.rust]
    other = [fence.text for fence in reversed(markdown.fences) if not fence.rust]
    plain = [] if markdown.fences else [text]
    outside = [markdown.before, text] if markdown.fences else plain
    for readings in (
        map(reader.fenced_function, [*rust, *other]),
        map(reader.function, outside),
        map(reader.fenced_contained, rust),
        map(reader.contained, plain),
        map(reader.closed_body, [markdown.before]),
        map(reader.fenced_closed_body, rust),
        map(reader.braced_body, plain),
        map(reader.fenced_braced_body, rust),
        map(reader.body, plain),
        map(reader.fenced_body, rust),
        map(reader.function_after_prose, outside),
        map(reader.lead_body, [markdown.before] if markdown.fences else []),
    ):
        for reading in readings:
            if reading is not None and reading.clean:
                return _completed(reading, rust) if reading.strategy.startswith(_FENCED) else reading
    unclean = [
        *map(reader.fenced_function, rust),
        *map(reader.function, [text]),
        *map(reader.fenced_body, rust),
        *map(reader.body, plain),
    ]
    return next(filter(None, unclean), None)


def _completed(reading: _Reading, fences: list[str]) -> _Reading:
    """Add what the code of one fence needs from the others: answers give helpers and imports in fences of their own."""
    source = reading.source
    for fence in fences:
        needed = needed_items(source.encode(), fence.encode(), separate=True)
        source += needed.decode("utf-8", "replace").strip("\n") + "\n"
    return replace(reading, source=source)


@dataclass(frozen=True, kw_only=True)
class _Reader:
    """The ways to read a piece of text as an answer to one prompt; each gives None where it does not apply."""

    prompt: str
    entry_point: str

    def function(self, piece: str) -> _Reading | None:
        """Read the piece as Rust that defines the entry point; text before it must be Rust as well."""
        if self.entry_point not in piece:
            return None
        data = piece.encode()
        tokens = tokens_in(data)
        start = find_function(tokens, self.entry_point)
        brace = None if start is None else _body_brace(tokens, start)
        if brace is None:
            return None
        main = has_main(tokens)
        cut = _cut(data, tokens, brace)
        return self._reading("program" if main else "function", cut, main_free=not main)

    def contained(self, piece: str) -> _Reading | None:
        """Read the piece as Rust that has the entry point in a module or an `impl` block."""
        if self.entry_point not in piece:
            return None
        data = piece.encode()
        signature = read_prompt(self.prompt).signature
        way = way_to_contained(data, name=self.entry_point, signature=signature)
        if way is None:
            return None
        source = without_example_parts(data).decode("utf-8", "replace").rstrip() + f"\n{way}\n"
        main_free = not has_main(tokens_in(data))
        return _Reading(strategy="contained", source=source, clean=True, main_free=main_free)

    def body(self, piece: str) -> _Reading | None:
        """Read the piece as what continues the open function of the prompt."""
        shape = read_prompt(self.prompt)
        if shape.open_brace is None:
            return None
        return self._continued(self.prompt.encode() + piece.encode(), shape.open_brace, strategy="body")

    def lead_body(self, piece: str) -> _Reading | None:
        """Read what stands before a fence mark as a body without its brace; one word is a greeting."""
        return self.body(piece) if len(tokens_in(piece.encode())) > 1 else None

    def closed_body(self, piece: str) -> _Reading | None:
        """Read the piece as a body that has its own closing brace."""
        reading = self.body(piece)
        return None if reading is None or reading.note == _BRACE_ADDED else reading

    def braced_body(self, piece: str) -> _Reading | None:
        """Read the piece as a body between braces of its own."""
        shape = read_prompt(self.prompt)
        if shape.open_brace is None or not piece.lstrip().startswith("{"):
            return None
        opening = self.prompt.encode()[: shape.open_brace]
        reading = self._continued(opening + piece.lstrip().encode(), shape.open_brace, strategy="braced_body")
        body = self.body(piece)
        return (
            body
            if body is not None and body.clean and body.note == _BRACE_ADDED and _has_more(piece)
            else reading
        )

    def function_after_prose(self, piece: str) -> _Reading | None:
        """Read the piece as a function with prose before it, which must end at a line end."""
        lines = piece.split("\n")
        starts = [i for i, line in enumerate(lines) if line.lstrip().startswith(_ITEM_STARTS)]
        for start in starts[:_MAX_PROSE_STARTS]:
            reading = self.function("\n" * start + "\n".join(lines[start:]))
            if reading is not None and reading.clean:
                return reading
        return None

    def fenced_function(self, piece: str) -> _Reading | None:
        """Read the content of a fence as a function."""
        return _as_fenced(self.function(piece))

    def fenced_contained(self, piece: str) -> _Reading | None:
        """Read the content of a fence as Rust that contains the function."""
        return _as_fenced(self.contained(piece))

    def fenced_closed_body(self, piece: str) -> _Reading | None:
        """Read the content of a fence as a body with its own closing brace."""
        return _as_fenced(self.closed_body("\n" + piece))

    def fenced_braced_body(self, piece: str) -> _Reading | None:
        """Read the content of a fence as a body between braces."""
        return _as_fenced(self.braced_body(piece))

    def fenced_body(self, piece: str) -> _Reading | None:
        """Read the content of a fence as a body."""
        return _as_fenced(self.body("\n" + piece))

    def _continued(self, data: bytes, open_brace: int, *, strategy: str) -> _Reading | None:
        tokens = tokens_in(data)
        brace = next(
            (i for i, token in enumerate(tokens) if token.start == open_brace and token.text == "{"), None
        )
        if brace is None or all(token.text == "}" for token in tokens[brace + 1 :]):
            return None
        cut = _cut(data, tokens, brace)
        reading = self._reading(strategy, cut, main_free=not has_main(tokens))
        looks_like_code = any(token.text in _CODE_MARKS for token in tokens[brace + 1 :])
        return reading if reading.clean or looks_like_code else None

    def _reading(self, strategy: str, cut: "_Cut", *, main_free: bool) -> _Reading:
        root = parse(cut.head).root_node
        clean = cut.complete and not root.has_error and only_items(root)
        note = _BRACE_ADDED if cut.brace_added else None
        if not cut.complete:
            source = cut.head + cut.tail
        else:
            head = without_example_parts(cut.head)
            source = head + needed_items(head, cut.tail) + b"\n"
        return _Reading(
            strategy=strategy,
            source=source.decode("utf-8", "replace"),
            clean=clean,
            main_free=main_free,
            note=note if clean else _UNCLEAN,
        )


@dataclass(frozen=True, kw_only=True)
class _Cut:
    """Text cut behind the function; `complete` says that the function is closed, maybe by an added brace."""

    head: bytes
    tail: bytes
    complete: bool
    brace_added: bool


def _cut(data: bytes, tokens: list[Token], brace: int) -> _Cut:
    end, depth = matching_brace(tokens, brace)
    if end is not None:
        edge = tokens[end].end
        return _Cut(head=data[:edge], tail=data[edge:], complete=True, brace_added=False)
    if depth == 1:
        return _Cut(head=data.rstrip() + b"\n}", tail=b"", complete=True, brace_added=True)
    return _Cut(head=data, tail=b"", complete=False, brace_added=False)


def _body_brace(tokens: list[Token], start: int) -> int | None:
    """Return the index of the brace that opens the body of the function whose `fn` is at `start`."""
    depth = 0
    for index in range(start, len(tokens)):
        text = tokens[index].text
        if text in {"(", "["}:
            depth += 1
        elif text in {")", "]"}:
            depth -= 1
        elif depth == 0 and text == "{":
            return index
        elif depth == 0 and text in {";", "}"}:
            return None
    return None


def _has_more(piece: str) -> bool:
    """Whether something follows the block that a piece starts with."""
    data = piece.lstrip().encode()
    tokens = tokens_in(data)
    end, _ = matching_brace(tokens, 0) if tokens else (None, 0)
    return end is not None and bool(data[tokens[end].end :].strip())


def _as_fenced(reading: _Reading | None) -> _Reading | None:
    return None if reading is None else replace(reading, strategy=f"{_FENCED}{reading.strategy}")
