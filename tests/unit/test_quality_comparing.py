"""How alike two programs are, and how different the programs of a set."""

import pytest
from hypothesis import given, settings

from quality_texts import TEXTS
from rusteval.rust.quality.diversity import Diversity, diversity
from rusteval.rust.quality.similarity import Similarity, similarity

LOOP = "fn sum(xs: &[i32]) -> i32 { let mut t = 0; for x in xs { t += x; } t }"
CHAIN = "fn sum(values: &[i32]) -> i32 { values.iter().sum() }"
OTHER = "struct Point { x: f64, y: f64 }"


def test_equal_up_to_names_is_one():
    renamed = "pub fn total(list: &[i32]) -> i32 { // all\n let mut s = 0; for v in list { s += v; } s }"

    assert similarity(LOOP, renamed) == Similarity(tokens=1.0, tree=1.0)


def test_similarity_orders_programs_as_a_reader_would():
    near = similarity(LOOP.replace("+=", "-="), LOOP)
    far, farther = similarity(CHAIN, LOOP), similarity(OTHER, LOOP)

    assert 1 > near.tokens > far.tokens > farther.tokens > 0
    assert near.tree == 1 > far.tree > farther.tree


def test_one_more_variable_at_the_head_changes_little():
    more = LOOP.replace("let mut t", "let unused = 1; let mut t")

    assert similarity(more, LOOP).tokens > 0.75


def test_similarity_by_hand():
    # Tokens: `use x ;` and `use x :: y ;`. Alike are three of 3 and 5 single tokens, one of 2 and 4 pairs, none of 1
    # and 3 runs of three. Precision (1 + 1/2 + 0) / 3, recall (3/5 + 1/4 + 0) / 3.
    # Subtrees: the file and the declaration; in the other one also the path, so that none are alike.
    precision, recall = 1.5 / 3, 0.85 / 3
    measured = similarity("use x;", "use x::y;")

    assert measured.tokens == pytest.approx(2 * precision * recall / (precision + recall))
    assert measured.tree == 0


def test_tree_similarity_by_hand():
    left, right = "fn f() { g(a) }", "fn f() { g(a); g(b) }"

    # left: file, function, block, call, arguments: 5; right: file, function, block, statement, 2 calls, 2 arguments: 8;
    # alike are a call and its arguments: the blocks differ, and so does what holds them
    assert similarity(left, right).tree == pytest.approx(2 * 2 / (5 + 8))


def test_the_order_of_children_is_part_of_a_shape():
    assert similarity("fn f() { g(a, 1) }", "fn f() { g(1, a) }").tree == 0


def test_nothing_is_like_nothing_else():
    assert similarity("", "") == Similarity(tokens=1.0, tree=1.0)
    assert similarity("", LOOP) == Similarity(tokens=0.0, tree=0.0)


@settings(max_examples=80, deadline=None)
@given(TEXTS, TEXTS)
def test_similarity_is_symmetric_and_a_share(left, right):
    there, back = similarity(left, right), similarity(right, left)

    assert there.tokens == pytest.approx(back.tokens)
    assert there.tree == pytest.approx(back.tree)
    assert 0 <= there.tokens <= 1
    assert 0 <= there.tree <= 1
    assert similarity(left, left).tokens == pytest.approx(1)
    assert similarity(left, left).tree == 1


def test_diversity_by_hand():
    # Words: `fn a x u8 x`, `fn b y u8 y`, `fn a x u8 x`, `use q`: 17, of which fn a b x y u8 use q are the 8 different
    # ones. Tokens: 10 in each function, 3 in the import. Pairs: 9 in the first function; 6 of the second, those with
    # `b` or `y`, are new; 2 in the import.
    sources = ["fn a(x: u8) { x }", "fn b(y: u8) { y }", " fn a(x: u8) { x }\n", "use q;"]

    assert diversity(sources) == Diversity(
        programs=4,
        distinct_texts=3,
        distinct_trees=2,
        words=17,
        vocabulary=8,
        distinct_bigrams=(9 + 6 + 2) / 33,
    )
    assert diversity(sources).distinct_tree_share == 0.5


def test_diversity_of_nothing():
    empty = diversity([])

    assert (empty.programs, empty.distinct_bigrams, empty.distinct_tree_share) == (0, 0.0, 0.0)
