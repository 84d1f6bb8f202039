from functools import partial
from itertools import combinations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cic_assets.domain.components import Components
from cic_assets.domain.duplicates import groups as module
from cic_assets.domain.duplicates.groups import BY_A_PERSON, ITSELF, Links, find_bridges, group_pictures, open_pairs
from cic_assets.domain.duplicates.verify import Verdict

SAME = Verdict("test", 0.1)


def group(n, pairs, **links):
    """Groups as lists of positions, where `pairs` are the same picture and all others are not."""
    return group_and_bridge(n, pairs, **links)[0]


def group_and_bridge(n, pairs, **links):
    alike = {frozenset(pair) for pair in pairs}

    def candidates_of(picture):
        return np.array([other for other in range(n) if frozenset((picture, other)) in alike], np.int64)

    def compare(picture, others):
        return [SAME if frozenset((picture, int(other))) in alike else None for other in others]

    with_any = [picture for picture in range(n) if len(candidates_of(picture))]
    groups = group_pictures(with_any, candidates_of, compare, Links(**links))
    pairs = open_pairs(with_any, groups, candidates_of, Links(**links))
    return groups, find_bridges(pairs, groups, compare)


def positions(groups):
    return [[member.picture for member in members] for members in groups]


def test_no_chains_every_member_is_like_the_first():
    assert positions(group(3, [(0, 1), (1, 2)])) == [[0, 1]]
    assert positions(group(3, [(0, 2), (1, 2)])) == [[0, 2]]
    assert positions(group(4, [(0, 1), (0, 2), (1, 3)])) == [[0, 1, 2]]


def test_members_know_what_they_were_verified_against():
    (members,) = group(2, [(0, 1)])
    assert [(m.picture, m.against, m.verdict) for m in members] == [(0, 0, ITSELF), (1, 0, SAME)]


def test_what_a_person_says_is_the_same_is_and_brings_what_is_like_it():
    groups = group(4, [(1, 2)], together=(frozenset({0, 1}),))
    assert positions(groups) == [[0, 1, 2]]
    assert [(m.against, m.verdict) for m in groups[0]] == [(0, ITSELF), (0, BY_A_PERSON), (1, SAME)]
    assert positions(group(4, [(0, 2)], together=(frozenset({2, 3}),))) == [[0, 2, 3]]


def test_what_a_person_says_is_different_is_never_in_one_group():
    assert positions(group(2, [(0, 1)], apart=frozenset({frozenset({0, 1})}))) == []
    # Not by way of a third one either.
    assert positions(group(3, [(0, 1), (0, 2)], apart=frozenset({frozenset({1, 2})}))) == [[0, 1]]
    # Nor by way of what is the same as it.
    together = (frozenset({1, 3}),)
    assert positions(group(4, [(0, 1), (0, 2)], together=together, apart=frozenset({frozenset({2, 3})}))) == [[0, 1, 3]]


def test_two_pictures_that_a_person_keeps_lead_two_groups():
    assert positions(group(3, [(0, 1), (0, 2), (1, 2)], leaders=frozenset({0, 1}))) == [[0, 2]]


@given(st.integers(1, 12), st.data())
def test_groups_and_bridges_join_what_is_alike_by_any_way(n, data):
    pair = st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)).filter(lambda pair: pair[0] != pair[1])
    pairs = data.draw(st.sets(pair))
    groups, bridges = group_and_bridge(n, pairs)
    found = Components((member.picture, member.against) for group in [*groups, bridges] for member in group)
    expected = Components(pairs)
    for one in range(n):
        for other in range(n):
            assert found.are_joined(one, other) == expected.are_joined(one, other)


@given(st.integers(2, 10), st.data())
def test_bridges_join_what_is_alike_whatever_a_person_says_but_what_is_apart(n, data):
    pair = st.frozensets(st.integers(0, n - 1), min_size=2, max_size=2)
    pairs, together = data.draw(st.sets(pair)), tuple(data.draw(st.sets(pair, max_size=1)))
    apart = frozenset(one for one in data.draw(st.sets(pair, max_size=3)) if not one & frozenset().union(*together))
    leaders = frozenset(data.draw(st.sets(st.integers(0, n - 1), max_size=2))) - frozenset().union(*together)
    said = {"together": together, "apart": apart, "leaders": leaders}
    groups, bridges = group_and_bridge(n, pairs, **said)
    found = Components(
        (member.picture, member.against) for group in [*groups, *([one] for one in bridges)] for member in group
    )
    expected = Components([*map(tuple, pairs - apart), *map(tuple, together)])
    assert all(found.are_joined(*two) == expected.are_joined(*two) for two in combinations(range(n), 2))


@given(st.integers(1, 12), st.data())
def test_no_pair_is_compared_twice(n, data):
    pair = st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)).filter(lambda pair: pair[0] != pair[1])
    alike = {frozenset(pair) for pair in data.draw(st.sets(pair))}
    compared = []

    def candidates_of(picture):
        return np.delete(np.arange(n), picture)

    def compare(picture, others):
        compared.extend(frozenset((picture, other)) for other in others.tolist())
        return [SAME if frozenset((picture, other)) in alike else None for other in others.tolist()]

    groups = group_pictures(range(n), candidates_of, compare, Links())
    find_bridges(open_pairs(range(n), groups, candidates_of, Links()), groups, compare)
    assert len(compared) == len(set(compared))


def test_of_many_that_are_alike_by_their_hashes_alone_no_pair_stays_open():
    candidates_of = partial(np.delete, np.arange(1_000))
    groups = group_pictures(range(1_000), candidates_of, lambda _picture, others: [None] * len(others), Links())
    assert list(open_pairs(range(1_000), groups, candidates_of, Links())) == []


def test_open_pairs_are_taken_up_in_blocks(monkeypatch):
    monkeypatch.setattr(module, "BLOCK", 10)
    drawn, ahead = [], []
    pairs = (drawn.append(pair) or pair for pair in combinations(range(20), 2))

    def compare_ahead(block):
        assert len(drawn) - sum(ahead) <= 10
        ahead.append(len(block))

    bridges = find_bridges(pairs, [], lambda _picture, others: [None] * len(others), compare_ahead)
    assert (bridges, ahead) == ([], [10] * 19)


def test_what_a_person_says_is_different_is_no_bridge():
    _, bridges = group_and_bridge(3, [(0, 1), (1, 2)], apart=frozenset({frozenset({1, 2})}))
    assert bridges == []


@given(st.integers(1, 12), st.data())
def test_groups_are_disjoint_and_every_member_is_like_its_first(n, data):
    pair = st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)).filter(lambda pair: pair[0] != pair[1])
    pairs = data.draw(st.sets(pair))
    apart = frozenset(frozenset(pair) for pair in data.draw(st.sets(pair, max_size=4)))
    groups = positions(group(n, pairs, apart=apart))
    grouped = [picture for members in groups for picture in members]
    assert len(grouped) == len(set(grouped))
    alike = {frozenset(pair) for pair in pairs}
    for first, *others in groups:
        assert all(frozenset((first, other)) in alike for other in others)
        assert first < min(others)
    for members in groups:
        assert not any(pair <= set(members) for pair in apart)
    # What is left out is like no leader that it might have joined.
    if not apart:
        leaders = [picture for picture in range(n) if picture not in {p for _, *rest in groups for p in rest}]
        assert not any(frozenset((a, b)) in alike for a in leaders for b in leaders if a < b)
