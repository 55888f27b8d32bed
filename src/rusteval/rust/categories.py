"""Which kind of task a problem is, so that results can be looked at by kind; a view, never a filter."""

from rusteval.problems.models import Problem
from rusteval.rust.prompt import Signature, read_prompt
from rusteval.rust.syntax import Token, tokens_in

OTHER = "other"
_INTEGERS = frozenset(f"{sign}{bits}" for sign in "iu" for bits in ("8", "16", "32", "64", "128", "size"))
# The first kind of which the signature holds a type is the task's: a list of texts is a list.
_KINDS = (
    ("maps and sets", frozenset({"HashMap", "BTreeMap", "HashSet", "BTreeSet"})),
    ("lists", frozenset({"Vec", "VecDeque", "LinkedList", "BinaryHeap", "["})),
    ("text", frozenset({"String", "str", "char"})),
    ("numbers", _INTEGERS | {"f32", "f64", "bool"}),
)


def category_of(problem: Problem) -> str:
    """Return the problem's own category, or else one derived from the signature that its prompt leaves open.

    Derived is the richest kind of data among the types of parameters and result: `maps and sets`, `lists` (slices
    and arrays, too), `text`, `numbers` (and truth values); `other` where there are none of these, or no signature.
    """
    if problem.category:
        return problem.category
    signature = read_prompt(problem.prompt).signature
    words = set() if signature is None else {token.text for token in _type_tokens(signature)}
    return next((name for name, types in _KINDS if words & types), OTHER)


def _type_tokens(signature: Signature) -> list[Token]:
    types = [*signature.parameters, signature.returns, signature.generics, signature.where]
    return [token for text in types for token in tokens_in(text.encode())]
