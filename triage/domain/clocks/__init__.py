"""HOW LONG DID IT TAKE, AND WHEN IS IT DUE? The response clocks of an item (response process reference, §7).

`follow` folds the events of one item into its `Cycle`s, each with its `Clock`s. Nothing here reads the time: a clock
answers `state(now)`, `duration(now)` and `is_overdue(now)`; `due_at` and `warning_at` are fixed by the events alone, so
they can be stored and indexed.

| Clock | Start | Stop |
|-|-|-|
| detection | published | fetched; without a date there is no clock; a date in the future counts 0 and is flagged |
| acknowledge | enters a queue that awaits action | a person claims, assigns, acknowledges, holds, replies or closes |
| first_action | same, the first time | a person acts; a snooze never counts, tagging alone only when configured |
| first_response | first inbound message of the cycle | a person replies; none for items that we opened |
| next_response | oldest unanswered inbound message | a person replies |
| resolution | first queue entry | a person closes |
| review | enters a queue that awaits no action | a person acts; a review-by time (§2, semantics 4), not a measure |

A message counts from the instant at which we read it; `Cycle.duration_from` counts from its publication as well. The
reference lets a claim, an assignment, an acknowledgement and a hold stop the acknowledge clock; a reply and a close say
no less, so here they stop it too. Bots and rules stop nothing: a machine's close cancels what still runs. A clock that
is cancelled after its due time stays missed, so that closing cannot hide a breach. With a change of category a running
acknowledge clock moves along; only when none runs does another queue start one.
"""

from triage.domain.clocks.clock import Clock, ClockKind, ClockState, Cycle, Duration, Origin, Pause, next_due
from triage.domain.clocks.events import (
    Act,
    Acted,
    Actor,
    Closed,
    Event,
    Fetched,
    HandedOver,
    Held,
    HoldEnded,
    Policy,
    ProcessChanged,
    Queued,
    Received,
    Rerouted,
    Sent,
    WaitingEnded,
    WaitingStarted,
)
from triage.domain.clocks.following import follow

__all__ = [
    "Act",
    "Acted",
    "Actor",
    "Clock",
    "ClockKind",
    "ClockState",
    "Closed",
    "Cycle",
    "Duration",
    "Event",
    "Fetched",
    "HandedOver",
    "Held",
    "HoldEnded",
    "Origin",
    "Pause",
    "Policy",
    "ProcessChanged",
    "Queued",
    "Received",
    "Rerouted",
    "Sent",
    "WaitingEnded",
    "WaitingStarted",
    "follow",
    "next_due",
]
