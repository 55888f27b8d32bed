"""The tests that a model wrote beside its answer; they say something about the model, and decide nothing."""

from tree_sitter import Node

from rusteval.rust.fences import split_markdown
from rusteval.rust.syntax import COMMENTS, parse, text_of, tokens_of
from rusteval.rust.wrapping import clean_text, unwrap


def own_tests(completion: str) -> str | None:
    """Return the test modules and test functions of a completion as one text; None where it has none."""
    text = unwrap(clean_text(completion))
    if text is None:
        return None
    fences = [fence.text for fence in split_markdown(text).fences if fence.rust]
    found = [part for piece in fences or [text] for part in _tests_in(piece)]
    return "\n".join(found) or None


def _tests_in(piece: str) -> list[str]:
    found: list[str] = []
    attributes: list[Node] = []
    for node in parse(piece.encode()).root_node.children:
        if node.type == "attribute_item":
            attributes.append(node)
            continue
        if node.type in COMMENTS:
            continue
        marks = [_words(attribute) for attribute in attributes]
        is_test = (node.type == "function_item" and ["test"] in marks) or (
            node.type == "mod_item" and ["cfg", "test"] in marks
        )
        if is_test and not node.has_error:
            found.append("\n".join(text_of(part) for part in (*attributes, node)))
        attributes = []
    return found


def _words(attribute: Node) -> list[str]:
    return [token.text for token in tokens_of(attribute) if token.is_word]
