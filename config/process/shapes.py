"""Which keys may a process file hold? One table that the reader enforces and the documentation test walks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Shape:
    """The keys of one kind of map. A required key comes with an example value, which is the fix when it is missing."""

    required: Mapping[str, str] = field(default_factory=dict)
    optional: tuple[str, ...] = ()

    @property
    def keys(self) -> tuple[str, ...]:
        """All keys, the required ones first."""
        return (*self.required, *self.optional)


_CLUSTER: Final = "{types: [rumour], responsibility: weak, base: [inform, adjust], then: [reminder]}"

SHAPES: Final[Mapping[str, Shape]] = {
    "file": Shape(
        {
            "version": "1",
            "roles": "{lead: {does: approves}}",
            "calendars": "{always: {tz: UTC}}",
            "queues": "{review: {rank: 0, owner: lead, calendar: always}}",
            "thresholds": "{negative: -0.25, …}",
            "actions": "[reply, let_stand]",
            "categories": "a list of rules that ends with `when: {}`",
            "response_considerations": "[transparency, sourcing, timeliness, tone, influence]",
            "crisis_levels": "{normal: {}, watch: …, elevated: …, crisis: …, severe: …}",
            "outcome_levels": "{1: what it means}",
            "crisis_causes": "[poor_customer_experience, unknown_other]",
            "notification": "{group_by: [brand, story], …}",
            "escalation": "{default: {steps: [{to: oncall, wait: 5m}], if_nobody: {to: lead}}}",
            "scct": "the three clusters; copy them from config/processes/starter.yaml",
            "tests": "[{in: {flags: [], sentiment: 0.0}, out: the category}]",
        }
    ),
    "role": Shape({"does": "what this role does"}),
    "calendar": Shape({"tz": "Europe/Paris"}, ("week", "holidays")),
    "queue": Shape(
        {"rank": "3", "owner": "lead", "calendar": "office"}, ("awaiting_action", "sample_for_review", "keep_days")
    ),
    "category": Shape(
        {
            "id": "a_name",
            "when": "{flags: [complaint]}",
            "queue": "review",
            "roles": "[lead]",
            "actions": "[reply]",
            "sla": "{ack: 30m, respond: 4h, close: null}",
        },
        ("needs_approval", "public_reply", "raises", "raises_at_any_relevance"),
    ),
    "when": Shape(
        {},
        (
            *("flags", "not_flags", "author", "source_kind", "source_tier", "source_hostile"),
            *("sentiment_below", "sentiment_at_least", "reach_at_least", "relevance_below"),
        ),
    ),
    "sla": Shape({"ack": "30m, or null", "respond": "4h, or null", "close": "1d, or null"}),
    "level": Shape(
        {
            "any": "[{declared_by: [lead]}]",
            "notify": "[lead]",
            "ack_within": "15m",
            "reraise_after_ack": "4h",
        },
        ("activates",),
    ),
    "level condition": Shape(
        {},
        (
            *("neg_tail_p", "negative_share_jump_points", "neg_ratio_to_baseline"),
            *("reach_sum_negative_1h", "tier1_outlets_negative_24h", "min_count"),
            *("category", "category_stories", "declared_by"),
        ),
    ),
    "category_stories": Shape({"ids": "[safety_harm]"}, ("at_least",)),
    "notification": Shape(
        {
            "group_by": "[brand, story]",
            "group_wait": "30s",
            "group_interval": "5m",
            "repeat_interval": "4h",
            "keep_firing": "15m",
            "max_pages_per_person_per_hour": "6",
        }
    ),
    "escalation policy": Shape(
        {"steps": "[{to: oncall, wait: 5m}]", "if_nobody": "{to: lead, and: banner}"}, ("repeat", "skip_empty_step")
    ),
    "escalation step": Shape({"to": "oncall", "wait": "5m"}),
    "if_nobody": Shape({"to": "lead"}, ("and",)),
    "scct": Shape(
        {
            "victim": _CLUSTER,
            "accidental": _CLUSTER,
            "preventable": _CLUSTER,
            "escalate_cluster_if": "{crisis_history: true, negative_prior_reputation: true}",
            "never_mix": "[[deny, diminish], [deny, rebuild]]",
        }
    ),
    "scct cluster": Shape(
        {"types": "[rumour]", "responsibility": "weak", "base": "[inform, adjust]", "then": "[reminder]"},
        ("deny_ok_for",),
    ),
    "escalate_cluster_if": Shape({"crisis_history": "true", "negative_prior_reputation": "true"}),
    "test": Shape({"in": "{flags: [complaint], sentiment: -0.5}", "out": "the category"}, ("raises", "note")),
    "test in": Shape(
        {"sentiment": "-0.5, or null when the text is not scored"},
        (
            *("flags", "reach", "relevance", "author"),
            *("source_kind", "source_tier", "source_hostile", "source_known"),
        ),
    ),
}
"""Every map of the file by its kind. Maps whose keys the organisation invents (roles, queues …) have no shape."""
