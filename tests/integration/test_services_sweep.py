"""Is work found again whose nudge was lost, once a period, and does what cannot succeed end before a person (O5)?"""

from __future__ import annotations

from functools import partial

import pytest

from tests.fakes import DATABASES, at_once, entry, harvest, opened_works
from triage.domain.errors import NotPermitted, SourceError, SourceErrorKind
from triage.domain.jobs import ASSESS_BATCH, POLL_BATCH, Job
from triage.services import sweep as sweeping
from triage.services.dead_letters import discard, replay
from triage.services.response import claim
from triage.services.sweep import SweepReport, sweep, tend
from triage.storage.mentions import ASSESS_LEASE
from triage.storage.sources import POLL_LEASE


@pytest.fixture(params=DATABASES)
def works(request):
    with opened_works(request) as opened:
        yield opened


def letters(works):
    with works.store.read() as tx:
        return tx.dead_letters.waiting()


def lose_nudges(works):
    """What losing the broker does (F06): every message that was on its way is gone."""
    works.dispatcher.sent.clear()
    works.clock.wind(seconds=10)


def test_f06_a_poll_whose_nudge_was_lost_is_nudged_again(works):
    feed = works.watch("a", harvest(entry(1)))
    lose_nudges(works)
    assert works.sweep() == SweepReport(polls=1)
    assert works.nudges(Job.POLL) == [feed]
    works.poll(feed)
    lose_nudges(works)
    assert works.sweep() == SweepReport(assessments=1)
    assert works.assess(*works.nudges(Job.ASSESS)) == 1
    lose_nudges(works)
    assert works.sweep() == SweepReport()


def test_f05_f07_a_broker_that_takes_nothing_loses_nothing_and_is_no_error(works):
    works.dispatcher.broken = True
    feed = works.watch("a", harvest(*(entry(number) for number in range(5))))
    assert works.poll(feed).new_entries == 5
    works.clock.wind(seconds=10)
    assert works.sweep().assessments == 5
    assert works.dispatcher.sent == []
    works.dispatcher.broken = False
    works.clock.wind(seconds=10)
    assert works.sweep().assessments == 5
    assert works.assess(*works.nudges(Job.ASSESS)) == 5


def test_f04_two_schedulers_nudge_once_a_period(works):
    works.watch("a", harvest(entry(1)))
    lose_nudges(works)
    reports = at_once([partial(sweep, works.store, period_seconds=8, holder=f"host{number}") for number in range(10)])
    assert sorted(report.polls for report in reports) == [0] * 9 + [1]
    assert len(works.nudges(Job.POLL)) == 1


def test_f04_ten_ticks_of_two_schedulers_are_ten_sweeps(works):
    works.watch("a", harvest(entry(1)))
    for _ in range(10):
        works.clock.wind(seconds=10)
        at_once([partial(sweep, works.store, period_seconds=8, holder=name) for name in ("one", "two")])
    assert len(works.nudges(Job.POLL)) == 1 + 10


def test_f04_a_tick_is_taken_by_one_of_many_and_again_only_after_its_period(works):
    take = partial(works.store.write, lambda tx: tx.ticks.take("tick", 10, "me", tx.now))
    assert sum(at_once([take] * 10)) == 1
    works.clock.wind(seconds=9.9)
    assert sum(at_once([take] * 10)) == 0
    works.clock.wind(seconds=0.1)
    assert sum(at_once([take] * 10)) == 1


def test_a_row_that_was_just_nudged_is_not_nudged_again(works):
    works.watch("a", harvest(entry(1)))
    lose_nudges(works)
    works.sweep()
    works.clock.wind(seconds=5)
    assert works.sweep() == SweepReport()
    works.clock.wind(seconds=5)
    assert works.sweep() == SweepReport(polls=1)


def test_work_that_somebody_does_now_is_not_nudged(works):
    feed = works.watch("a", harvest(entry(1)))
    works.poll(feed)
    (mention,) = works.column("SELECT id FROM mention")
    works.clock.wind(hours=7)
    works.store.write(
        lambda tx: (tx.sources.lease([feed], "w", tx.now), tx.mentions.lease([mention], "w", tx.now, tried=False))
    )
    works.clock.wind(seconds=11)
    assert works.sweep() == SweepReport()
    works.clock.wind(seconds=4)
    assert works.sweep() == SweepReport(polls=1, assessments=1)


def test_nudges_leave_in_batches_that_a_task_can_carry(works):
    for number in range(POLL_BATCH + 1):
        works.watch(f"a{number}", harvest())
    works.watch("b", harvest(*(entry(number) for number in range(ASSESS_BATCH + 1))))
    works.poll()
    works.clock.wind(hours=7)
    works.dispatcher.sent.clear()
    works.sweep()
    sizes = {
        job: sorted(len(ids) for sent, ids in works.dispatcher.sent if sent is job) for job in (Job.POLL, Job.ASSESS)
    }
    assert sizes == {Job.POLL: [2, POLL_BATCH], Job.ASSESS: [1, ASSESS_BATCH]}


def test_the_sweep_gives_back_claims_that_ran_out(works):
    item = works.item()
    claim(works.store, item, works.person())
    works.clock.wind(minutes=15)
    works.sweep()
    assert works.one("SELECT state FROM item") == "open"
    assert works.actions("item", item) == ["item.queue", "item.claim", "item.release"]


@pytest.mark.parametrize("broken", ["return_expired_claims", "_bury"])
def test_a_stage_of_the_sweep_that_fails_does_not_keep_the_others_from_running(works, monkeypatch, broken, caplog):
    works.watch("a", harvest(entry(1)))
    lose_nudges(works)

    def fail(*_):
        raise RuntimeError("a row that no code expected")

    monkeypatch.setattr(sweeping, broken, fail)
    assert works.sweep().polls == 1
    assert "The sweep could not" in caplog.text


def poisoned(works):
    """A mention that used up its attempts, and another of its batch."""
    works.poll(works.watch("a", harvest(entry(1, "poison"), entry(2))))
    for _ in range(3):
        works.clock.wind(seconds=10)
        works.sweep()
        works.assess(*works.nudges(Job.ASSESS))
    return works.column("SELECT id FROM mention ORDER BY id")


def test_f23_after_three_attempts_a_dead_letter_says_what_why_and_how_often(works):
    bad, good = poisoned(works)
    (letter,) = letters(works)
    assert (letter.job, letter.subject, letter.subject_id, letter.attempts) == ("assess", "mention", bad, 3)
    assert letter.reason == "ValueError: poison in the text"
    assert works.actions("mention", bad) == ["mention.dead"]
    assert works.one("SELECT state FROM mention WHERE id = :id", id=good) == "queued"
    assert len([text for text in works.reader.texts if "poison" in text]) == 3
    works.clock.wind(minutes=10)
    assert works.sweep().assessments == 0


def test_f23_a_dead_mention_is_left_alone_by_stray_nudges(works):
    bad, _ = poisoned(works)
    assert works.assess(bad) == 0
    assert len([text for text in works.reader.texts if "poison" in text]) == 3


def test_f23_replay_gives_a_mention_new_attempts(works):
    ana = works.person()
    bad, _ = poisoned(works)
    (letter,) = letters(works)
    works.reader.healed = True
    works.nudges(Job.ASSESS)
    replay(works.store, letter.id, ana)
    assert works.nudges(Job.ASSESS) == [bad]
    assert works.assess(bad) == 1
    assert letters(works) == ()
    assert works.ledger().dead == 0
    assert works.actions("dead_letter", letter.id) == ["dead_letter.replayed"]
    with pytest.raises(NotPermitted, match="settled before"):
        replay(works.store, letter.id, ana)


def test_f23_what_fails_again_after_a_replay_gets_a_letter_of_its_own(works):
    bad, _ = poisoned(works)
    (first,) = letters(works)
    replay(works.store, first.id, works.person())
    for _ in range(4):
        works.assess(bad)
        works.clock.wind(seconds=10)
        works.sweep()
    (second,) = letters(works)
    assert second.id != first.id
    assert works.actions("mention", bad) == ["mention.dead", "mention.dead"]


def test_f23_discard_settles_a_letter_and_its_row_stays(works):
    ana = works.person()
    bad, _ = poisoned(works)
    (letter,) = letters(works)
    discard(works.store, letter.id, ana)
    assert letters(works) == ()
    assert works.one("SELECT state FROM mention WHERE id = :id", id=bad) == "dead"
    assert works.actions("dead_letter", letter.id) == ["dead_letter.discarded"]
    for again in (replay, discard):
        with pytest.raises(NotPermitted):
            again(works.store, letter.id, ana)
    with pytest.raises(NotPermitted):
        discard(works.store, 999_999, ana)


def test_f23_replay_from_two_windows_at_once_settles_once(works):
    ana = works.person()
    poisoned(works)
    (letter,) = letters(works)
    results = at_once([partial(replay, works.store, letter.id, ana)] * 4)
    assert results.count(None) == 1
    assert all(isinstance(result, NotPermitted) for result in results if result is not None)
    assert works.actions("dead_letter", letter.id) == ["dead_letter.replayed"]


def killed_while_assessing(works, mention):
    """A worker that dies with the mention in its hands, until its attempts are used up."""
    for _ in range(3):
        for tried in (False, True):
            works.store.write(lambda tx, tried=tried: tx.mentions.lease([mention], "w", tx.now, tried=tried))
        works.clock.wind(seconds=ASSESS_LEASE.total_seconds())


def test_f23_a_mention_that_kills_its_process_becomes_a_dead_letter_too(works):
    works.poll(works.watch("a", harvest(entry(1))))
    (mention,) = works.column("SELECT id FROM mention")
    killed_while_assessing(works, mention)
    assert works.sweep().buried == 1
    (letter,) = letters(works)
    assert letter.reason == "the worker died while assessing it"
    assert works.one("SELECT reason FROM mention") == letter.reason


def killed_while_polling(works, feed):
    """Workers that die with the source in their hands, until its attempts are used up."""
    works.clock.wind(days=1)
    for _ in range(3):
        works.store.write(lambda tx: tx.sources.lease([feed], "w", tx.now))
        works.clock.wind(seconds=POLL_LEASE.total_seconds())


def test_f23_a_source_that_kills_its_worker_is_slowed_down_with_a_letter_and_can_be_replayed(works):
    feed = works.watch("a", harvest(entry(1)))
    good = works.watch("b", harvest(entry(2)))
    killed_while_polling(works, feed)
    works.nudges(Job.POLL)
    assert works.sweep() == SweepReport(polls=1, buried=1)
    assert works.nudges(Job.POLL) == [good]
    (letter,) = letters(works)
    assert (letter.job, letter.subject, letter.subject_id) == ("poll", "source", feed)
    (row,) = works.rows("SELECT last_error_kind, attempts, state, failures FROM source WHERE id = :id", id=feed)
    assert tuple(row) == ("crashed", 0, "active", 0.5)
    assert works.actions("source", feed) == ["source.add", "source.crash"]
    replay(works.store, letter.id, works.person())
    assert works.nudges(Job.POLL) == [feed]
    assert works.poll(feed).new_entries == 1


def test_f23_a_source_that_goes_on_killing_workers_has_one_letter_waiting(works):
    feed = works.watch("a", harvest(entry(1)))
    for _ in range(3):
        killed_while_polling(works, feed)
        assert works.sweep().buried == 1
    assert [letter.subject_id for letter in letters(works)] == [feed]
    assert letters(works)[0].at == works.clock.now


def test_two_sweeps_bury_a_row_once(works):
    works.poll(works.watch("a", harvest(entry(1))))
    (mention,) = works.column("SELECT id FROM mention")
    killed_while_assessing(works, mention)
    at_once([works.sweep] * 4)
    assert len(letters(works)) == 1
    assert works.actions("mention", mention) == ["mention.dead"]


def test_a_failing_poll_is_no_dead_letter_it_backs_off_instead(works):
    feed = works.watch("a", SourceError(SourceErrorKind.TIMEOUT, "too slow"))
    for _ in range(6):
        works.repoll(feed)
        works.sweep()
    assert letters(works) == ()


def test_the_hourly_upkeep_forgets_what_ended_and_runs_once_an_hour(works):
    ana = works.person()
    works.store.write(lambda tx: tx.accounts.open_session(ana.id, "0" * 64, tx.now))
    works.store.write(lambda tx: tx.accounts.note_failure(["user:x"], tx.now))
    works.clock.wind(days=15)
    tend(works.store, holder="one")
    assert works.column("SELECT id FROM session") == []
    assert works.column("SELECT id FROM login_attempt") == []
    works.store.write(lambda tx: tx.accounts.note_failure(["user:x"], tx.now.replace(year=2020)))
    tend(works.store, holder="two")
    assert len(works.column("SELECT id FROM login_attempt")) == 1
