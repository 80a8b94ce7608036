"""Does every move of an item hold: one owner, one audit row, undone only by its author, and only if nobody else moved?"""

from __future__ import annotations

import itertools
from datetime import timedelta
from functools import partial

import pytest

from tests.fakes import DATABASES, at_once, entry, opened_works, starter
from triage.domain.errors import AlreadyClaimed, NotFound, NotPermitted
from triage.domain.mentions import Disposition
from triage.services import response
from triage.services.response import Closing, add_note, claim, close, reassign, release, return_expired_claims, undo
from triage.storage.audit import Audit

ANSWERED = Closing(Disposition.ANSWERED, "told them")
PROCESS = starter().process


@pytest.fixture(params=DATABASES)
def works(request):
    with opened_works(request) as opened:
        yield opened


@pytest.fixture
def ana(works):
    return works.person("Ana")


@pytest.fixture
def ben(works):
    return works.person("Ben")


def state(works, item):
    (row,) = works.rows(
        "SELECT state, owner_id, queue, rank, awaiting_action, disposition, disposition_reason, claim_until IS NULL, "
        "claimed_at IS NULL, closed_at IS NULL FROM item WHERE id = :id",
        id=item,
    )
    return tuple(row)


def moves(works, item):
    """The audit trail of an item without its first row, which put it into its queue."""
    first, *rest = works.actions("item", item)
    assert first == "item.queue"
    return rest


MOVES = {
    "claim": claim,
    "close": partial(close, closing=ANSWERED),
    "reassign": partial(reassign, to_queue="press", process=PROCESS),
    "note": partial(add_note, text="called them"),
}


def test_i6_f19_of_fifty_who_claim_at_once_one_wins_and_the_others_hear_who(works):
    item = works.item()
    people = [works.person(f"P{number}") for number in range(50)]
    results = at_once([partial(claim, works.store, item, person) for person in people])
    winners = [person for person, result in zip(people, results, strict=True) if result is None]
    losers = [result for result in results if result is not None]
    assert len(winners) == 1
    assert len(losers) == 49
    assert all(isinstance(refusal, AlreadyClaimed) for refusal in losers)
    assert {refusal.owner for refusal in losers} == {winners[0].name}
    assert {refusal.since for refusal in losers} == {works.clock.now}
    assert works.one("SELECT owner_id FROM item WHERE id = :id", id=item) == winners[0].id
    assert moves(works, item) == ["item.claim"]


@pytest.mark.parametrize("name", ["claim", "close", "reassign"])
def test_each_move_run_twice_has_one_effect_and_one_audit_row(works, ana, name):
    item = works.item()
    MOVES[name](works.store, item, ana)
    after = state(works, item)
    MOVES[name](works.store, item, ana)
    assert state(works, item) == after
    assert moves(works, item) == [f"item.{name}"]


def test_releasing_twice_has_one_effect_and_one_audit_row(works, ana):
    item = works.item()
    before = state(works, item)
    claim(works.store, item, ana)
    release(works.store, item, ana)
    release(works.store, item, ana)
    assert state(works, item) == before
    assert moves(works, item) == ["item.claim", "item.release"]


def test_closing_again_in_another_way_is_refused_and_not_silently_dropped(works, ana):
    item = works.item()
    close(works.store, item, ana, ANSWERED)
    for other in (Closing(Disposition.SPAM, "told them"), Closing(Disposition.ANSWERED, "another reason")):
        with pytest.raises(NotPermitted, match="Ana has closed this item as answered"):
            close(works.store, item, ana, other)
    assert moves(works, item) == ["item.close"]


@pytest.mark.parametrize("name", ["claim", "close", "reassign"])
def test_i6_nobody_moves_an_item_that_somebody_else_has(works, ana, ben, name):
    item = works.item()
    claim(works.store, item, ana)
    before = state(works, item)
    with pytest.raises(AlreadyClaimed, match=r"Ana has this item since 1\d:00 UTC"):
        MOVES[name](works.store, item, ben)
    with pytest.raises(AlreadyClaimed):
        release(works.store, item, ben)
    assert state(works, item) == before
    assert moves(works, item) == ["item.claim"]


@pytest.mark.parametrize("name", ["claim", "reassign"])
def test_a_closed_item_stays_closed_and_says_by_whom(works, ana, ben, name):
    item = works.item()
    close(works.store, item, ana, ANSWERED)
    with pytest.raises(NotPermitted, match="Ana has closed this item as answered"):
        MOVES[name](works.store, item, ben)
    with pytest.raises(NotPermitted, match="Ana has closed"):
        release(works.store, item, ben)


@pytest.mark.parametrize("name", [*MOVES, "release"])
def test_a_move_of_an_item_that_does_not_exist_is_refused(works, ana, name):
    with pytest.raises(NotFound):
        (MOVES | {"release": release})[name](works.store, 999_999, ana)
    assert works.column("SELECT id FROM audit_event WHERE subject = 'item'") == []


def test_handing_over_to_a_queue_that_does_not_exist_names_those_that_do(works, ana):
    item = works.item()
    with pytest.raises(NotPermitted, match="There is no queue named nowhere; choose one of care, discard"):
        reassign(works.store, item, ana, "nowhere", PROCESS)


def test_a_claim_lasts_fifteen_minutes_and_its_owners_activity_renews_it(works, ana, ben):
    item = works.item()
    claim(works.store, item, ana)
    works.clock.wind(minutes=14)
    add_note(works.store, item, ana, "on it")
    works.clock.wind(minutes=14)
    claim(works.store, item, ana)
    works.clock.wind(minutes=14)
    assert return_expired_claims(works.store) == 0
    with pytest.raises(AlreadyClaimed):
        claim(works.store, item, ben)
    works.clock.wind(minutes=1)
    assert return_expired_claims(works.store) == 1
    assert return_expired_claims(works.store) == 0
    assert state(works, item)[:2] == ("open", None)
    assert moves(works, item) == ["item.claim", "item.note", "item.release"]


@pytest.mark.parametrize("name", ["claim", "close", "reassign"])
def test_a_claim_that_ran_out_holds_nobody_up_even_before_the_sweep(works, ana, ben, name):
    item = works.item()
    claim(works.store, item, ana)
    works.clock.wind(minutes=15)
    MOVES[name](works.store, item, ben)
    assert moves(works, item) == ["item.claim", f"item.{name}"]


def test_notes_are_kept_tidy_and_bounded(works, ana):
    item = works.item()
    add_note(works.store, item, ana, " first\r\nsecond\x00\x1b \ud800")
    assert works.column("SELECT text FROM note") == ["first\nsecond"]
    with pytest.raises(NotPermitted, match="A note needs some text"):
        add_note(works.store, item, ana, " \x00\n")
    with pytest.raises(NotPermitted, match="at most 4,000 characters; this one has 4,001"):
        add_note(works.store, item, ana, "x" * 4_001)
    assert moves(works, item) == ["item.note"]


def test_a_reason_that_is_too_long_is_refused_in_words(works, ana):
    item = works.item()
    with pytest.raises(NotPermitted, match="at most 500 characters; this one has 501"):
        close(works.store, item, ana, Closing(Disposition.SPAM, "x" * 501))
    close(works.store, item, ana, Closing(Disposition.SPAM, "x" * 500 + "\x00 "))
    assert works.one("SELECT disposition_reason FROM item WHERE id = :id", id=item) == "x" * 500


@pytest.mark.parametrize("name", [*MOVES, "release"])
def test_undo_puts_back_exactly_what_the_move_changed(works, ana, name):
    item = works.item()
    if name == "release":
        claim(works.store, item, ana)
    before = state(works, item)
    (MOVES | {"release": release})[name](works.store, item, ana)
    assert undo(works.store, ana) == response.Undone(item, f"item.{name}")
    assert state(works, item) == before
    assert moves(works, item)[-2:] == [f"item.{name}", "item.undo"]
    assert works.column("SELECT id FROM note WHERE withdrawn_at IS NULL") == []


def test_undo_of_a_hand_over_to_a_queue_that_waits_for_nobody_awaits_action_again(works, ana):
    item = works.item()
    assert works.one("SELECT awaiting_action FROM item WHERE id = :id", id=item)
    reassign(works.store, item, ana, "monitor", PROCESS)
    assert not works.one("SELECT awaiting_action FROM item WHERE id = :id", id=item)
    undo(works.store, ana)
    assert works.one("SELECT awaiting_action FROM item WHERE id = :id", id=item)


def test_twenty_own_steps_are_undone_one_by_one_newest_first(works, ana):
    items = [works.item() for _ in range(4)]
    states = []
    steps = itertools.cycle([claim, release, MOVES["note"], MOVES["reassign"], MOVES["close"]])
    snapshot = partial(lambda: [state(works, item) for item in items])
    for number, step in zip(range(20), steps, strict=False):
        states.append(snapshot())
        step(works.store, items[number // 5], ana)
        works.clock.wind(seconds=1)
    for before in reversed(states):
        undo(works.store, ana)
        assert snapshot() == before
    with pytest.raises(NotPermitted, match="There is nothing to undo"):
        undo(works.store, ana)
    assert works.one("SELECT count(*) FROM audit_event WHERE undone_at IS NOT NULL") == 20


def test_undo_is_refused_when_somebody_else_moved_the_item_meanwhile(works, ana, ben):
    item = works.item()
    reassign(works.store, item, ana, "press", PROCESS)
    claim(works.store, item, ben)
    after = state(works, item)
    with pytest.raises(NotPermitted, match="The item has changed since"):
        undo(works.store, ana)
    assert state(works, item) == after
    assert moves(works, item) == ["item.reassign", "item.claim"]


def test_undo_is_possible_again_when_the_others_move_was_undone(works, ana, ben):
    item = works.item()
    before = state(works, item)
    reassign(works.store, item, ana, "press", PROCESS)
    claim(works.store, item, ben)
    undo(works.store, ben)
    undo(works.store, ana)
    assert state(works, item) == before


def test_undo_is_refused_after_the_system_gave_the_item_back(works, ana):
    item = works.item()
    claim(works.store, item, ana)
    works.clock.wind(minutes=16)
    return_expired_claims(works.store)
    with pytest.raises(NotPermitted, match="has changed since"):
        undo(works.store, ana)


def test_undo_is_refused_after_the_item_rose_by_itself(works, ana):
    (mention,) = works.tell(story := entry("1", "#complaint tone:-0.5"))
    item = works.item_of(mention)
    claim(works.store, item, ana)
    works.tell(entry("1", "#fire now", native_id=story.native_id))
    assert works.one("SELECT category FROM item WHERE id = :id", id=item) == "safety_harm"
    with pytest.raises(NotPermitted, match="has changed since"):
        undo(works.store, ana)
    assert works.one("SELECT queue FROM item WHERE id = :id", id=item) == "emergency"


def test_undo_touches_only_ones_own_steps(works, ana, ben):
    mine, theirs = works.item(), works.item()
    claim(works.store, mine, ana)
    claim(works.store, theirs, ben)
    assert undo(works.store, ana).item_id == mine
    with pytest.raises(NotPermitted, match="nothing to undo"):
        undo(works.store, ana)
    assert state(works, theirs)[0] == "claimed"


def test_an_undone_close_gives_the_claim_back_whole(works, ana, ben):
    item = works.item()
    claim(works.store, item, ana)
    works.clock.wind(minutes=14)
    close(works.store, item, ana, ANSWERED)
    works.clock.wind(minutes=14)
    undo(works.store, ana)
    works.clock.wind(minutes=14)
    with pytest.raises(AlreadyClaimed):
        claim(works.store, item, ben)


def test_undo_by_one_person_from_two_windows_undoes_two_steps_or_refuses_but_never_one_step_twice(works, ana):
    item = works.item()
    before = state(works, item)
    claim(works.store, item, ana)
    close(works.store, item, ana, ANSWERED)
    results = at_once([partial(undo, works.store, ana)] * 4)
    done = [result for result in results if isinstance(result, response.Undone)]
    assert len(done) == len(moves(works, item)) - 2
    assert all(isinstance(result, response.Undone | NotPermitted) for result in results)
    while len(done) < 2:
        done.append(undo(works.store, ana))
    assert state(works, item) == before


def test_an_undo_never_overwrites_a_claim_that_comes_at_the_same_moment(works, ana, ben):
    for _ in range(8):
        item = works.item()
        reassign(works.store, item, ana, "press", PROCESS)
        undone, claimed = at_once([partial(undo, works.store, ana), partial(claim, works.store, item, ben)])
        assert claimed is None
        assert state(works, item)[:2] == ("claimed", ben.id)
        assert isinstance(undone, NotPermitted) == (state(works, item)[2] == "press")


def test_what_the_trail_says_of_the_state_before_is_what_the_move_found(works, ana, ben):
    for _ in range(8):
        item = works.item()
        results = at_once(
            [partial(reassign, works.store, item, ana, "press", PROCESS), partial(claim, works.store, item, ben)]
        )
        assert results[1] is None
        queue_now = state(works, item)[2]
        undo(works.store, ben)
        assert state(works, item)[2] == queue_now


class _Crash(Exception):
    """What a killed process looks like from inside its transaction."""


@pytest.mark.parametrize("name", [*MOVES, "release", "undo"])
def test_i7_a_crash_between_a_move_and_its_audit_row_leaves_neither(works, ana, name, monkeypatch):
    item = works.item()
    if name in {"release", "undo"}:
        claim(works.store, item, ana)
    before, trail = state(works, item), works.actions("item", item)

    def crash(*_):
        raise _Crash

    # The one place to die between the two: there is no other seam inside a transaction.
    monkeypatch.setattr(Audit, "append", crash)
    act = (MOVES | {"release": release}).get(name) or (lambda store, _item, person: undo(store, person))
    with pytest.raises(_Crash):
        act(works.store, item, ana)
    monkeypatch.undo()
    assert state(works, item) == before
    assert works.actions("item", item) == trail
    assert works.column("SELECT id FROM note") == []
    assert works.column("SELECT id FROM audit_event WHERE undone_at IS NOT NULL") == []


def test_i7_a_crash_while_claims_are_returned_leaves_neither(works, ana, monkeypatch):
    item = works.item()
    claim(works.store, item, ana)
    works.clock.wind(minutes=16)
    monkeypatch.setattr(Audit, "append", lambda *_: (_ for _ in ()).throw(_Crash()))
    with pytest.raises(_Crash):
        return_expired_claims(works.store)
    monkeypatch.undo()
    assert state(works, item)[0] == "claimed"
    assert moves(works, item) == ["item.claim"]


def test_a_claim_says_since_when_it_is_held(works, ana):
    item = works.item()
    claim(works.store, item, ana)
    works.clock.wind(minutes=5)
    claim(works.store, item, ana)
    (row,) = works.rows("SELECT claimed_at, claim_until FROM item WHERE id = :id", id=item)
    claimed_at, claim_until = (str(each)[:16].replace("T", " ") for each in row)
    assert claimed_at == f"{works.clock.now - timedelta(minutes=5):%Y-%m-%d %H:%M}"
    assert claim_until == f"{works.clock.now + timedelta(minutes=15):%Y-%m-%d %H:%M}"
