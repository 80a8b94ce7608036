"""What every dispatcher promises: it takes a nudge or says that it did not, and it never raises."""

from __future__ import annotations

import base64
import json
import subprocess
import time
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import pytest

from config.settings import load_settings
from tests.conftest import RecordingDispatcher
from tests.fakes import at_once
from triage.domain.jobs import LANE_OF, Job
from workers import broker
from workers.app import CeleryDispatcher, build_app
from workers.commands.context import InlineDispatcher

if TYPE_CHECKING:
    from collections.abc import Callable

    from triage.domain.jobs import Dispatcher


@dataclass
class Case:
    """A dispatcher, and how a test sees what it took."""

    dispatcher: Dispatcher
    taken: Callable[[], list[tuple[Job, tuple[int, ...]]]]
    server: Valkey | None = None


@dataclass
class Valkey:
    """Our own broker, as the supervisor starts it, in a folder of the test."""

    folder: object
    settings: object = field(init=False)
    process: subprocess.Popen[bytes] | None = None

    def __post_init__(self):
        self.settings = load_settings(home=self.folder, REDIS_URL=None)

    @property
    def client(self):
        return broker.client(self.settings)

    def start(self):
        with open(self.folder / "valkey.log", "wb") as log:  # noqa: PTH123
            self.process = subprocess.Popen(broker.server_command(self.settings), stdout=log, stderr=log)
        for _ in range(1_000):
            if broker.answers(self.settings):
                return
            time.sleep(0.01)  # the server offers no event to wait for
        raise AssertionError((self.folder / "valkey.log").read_text())

    def kill(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait(timeout=20)
            self.process = None

    def messages(self):
        """What waits in each queue, as the dispatcher's calls: the oldest is last in a list of the broker."""
        with self.client as client:
            return [
                message(lane, json.loads(raw))
                for lane in sorted(set(LANE_OF.values()))
                for raw in reversed(client.lrange(f"{broker.KEY_PREFIX}{lane}", 0, -1))
            ]


def message(lane, raw):
    job = Job(raw["headers"]["task"].removeprefix("tocsin."))
    assert LANE_OF[job] == lane
    assert raw["content-type"] == "application/json"
    args, options, _ = json.loads(base64.b64decode(raw["body"]))
    assert options == {}
    (ids,) = args
    return job, tuple(ids)


@pytest.fixture(params=["recording", "inline", "celery"])
def case(request, tmp_path):
    if request.param == "recording":
        recording = RecordingDispatcher()
        yield Case(recording, lambda: list(recording.sent))
    elif request.param == "inline":
        inline = InlineDispatcher()
        yield Case(inline, lambda: list(inline.waiting))
    else:
        server = Valkey(tmp_path)
        server.start()
        app = build_app(server.settings)
        yield Case(CeleryDispatcher(app), server.messages, server)
        app.close()
        server.kill()


def test_a_nudge_is_taken_with_its_job_and_its_ids(case):
    assert case.dispatcher.send(Job.ASSESS, [3, 1, 2]) is True
    assert case.taken() == [(Job.ASSESS, (3, 1, 2))]


def test_ids_may_be_any_sequence_and_are_taken_as_they_were_then(case):
    ids = [1, 2]
    case.dispatcher.send(Job.POLL, ids)
    ids.append(3)
    case.dispatcher.send(Job.POLL, (4,))
    assert case.taken() == [(Job.POLL, (1, 2)), (Job.POLL, (4,))]


@pytest.mark.parametrize("job", [Job.POLL, Job.ASSESS, Job.SWEEP, Job.TEND])
def test_every_job_is_taken(case, job):
    assert case.dispatcher.send(job, [7])
    assert case.taken() == [(job, (7,))]


def test_threads_share_a_dispatcher(case):
    answers = at_once([partial(case.dispatcher.send, Job.ASSESS, [number]) for number in range(16)])
    assert answers == [True] * 16
    assert sorted(case.taken()) == [(Job.ASSESS, (number,)) for number in range(16)]


@pytest.fixture
def celery(tmp_path):
    server = Valkey(tmp_path)
    server.start()
    app = build_app(server.settings)
    yield Case(CeleryDispatcher(app), server.messages, server)
    app.close()
    server.kill()


def test_f05_a_broker_that_died_is_an_answer_and_no_error_and_its_return_needs_no_restart(celery, caplog):
    assert celery.dispatcher.send(Job.POLL, [1])
    celery.server.kill()
    assert celery.dispatcher.send(Job.POLL, [2]) is False
    assert celery.dispatcher.failed == 1
    assert "A nudge for poll was not sent" in caplog.text
    celery.server.start()
    assert celery.dispatcher.send(Job.POLL, [3]) is True
    assert (Job.POLL, (3,)) in celery.taken()


def test_f05_a_broker_that_was_never_there_is_an_answer_and_no_error(tmp_path):
    app = build_app(load_settings(home=tmp_path, REDIS_URL=None))
    dispatcher = CeleryDispatcher(app)
    assert [dispatcher.send(Job.ASSESS, [number]) for number in range(3)] == [False] * 3
    assert dispatcher.failed == 3
    app.close()


def test_f07_a_full_broker_is_an_answer_and_no_error_and_heals(celery):
    with celery.server.client as client:
        client.config_set("maxmemory", "1")
        assert celery.dispatcher.send(Job.POLL, [1]) is False
        client.config_set("maxmemory", "0")
    assert celery.dispatcher.send(Job.POLL, [2]) is True
    assert celery.taken() == [(Job.POLL, (2,))]


def test_s15_a_nudge_that_failed_is_told_without_the_brokers_password(tmp_path, caplog):
    app = build_app(load_settings(home=tmp_path, REDIS_URL="redis://:hunter2canary@127.0.0.1:1/0"))
    assert CeleryDispatcher(app).send(Job.POLL, [1]) is False
    assert "hunter2canary" not in caplog.text
    app.close()


def test_the_inline_dispatcher_gives_back_nudges_in_their_order():
    inline = InlineDispatcher()
    inline.send(Job.POLL, [1])
    inline.send(Job.ASSESS, [2])
    assert [inline.waiting.popleft() for _ in range(2)] == [(Job.POLL, (1,)), (Job.ASSESS, (2,))]


def test_the_broken_fake_behaves_like_a_broker_that_takes_nothing():
    broken = RecordingDispatcher(broken=True)
    assert broken.send(Job.POLL, [1]) is False
    assert broken.sent == []
