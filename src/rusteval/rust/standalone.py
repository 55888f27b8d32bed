"""Code that stands by itself: with the items that its prompt takes for granted."""

from rusteval.rust.items import needed_items


def standalone_source(prelude: str, code: str) -> str:
    """Return code behind those items of a prelude that it mentions and does not declare itself.

    A model is not shown the prelude of its prompt, and may well write such an item: `impl Point {` is often followed
    by a `struct Point` further down. Then the prelude's gives way, and the model's own decides whether the code
    compiles, whatever fields it has; so does an import of that name.

    Args:
        prelude: Rust items, or nothing.
        code: the text of the prompt with what the model made of it.
    """
    items = needed_items(code.encode("utf-8", "replace"), prelude.encode()).decode().strip()
    return f"{items}\n{code}" if items else code
