"""Which keys may a participation policy hold, and what does each hold? The counterpart of config/process/shapes.py."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from config.process.shapes import Key, Shape

if TYPE_CHECKING:
    from collections.abc import Mapping

POLICY_KEY: Final = "participation_policy"
"""The one key of a policy file, by which it is told from a process file."""

POLICY_SHAPES: Final[Mapping[str, Shape]] = {
    "policy file": Shape({POLICY_KEY: Key("policy", "Who may say what.", "{version: 1, …}")}),
    "policy": Shape(
        {
            "version": Key("integer", "What people acknowledge; raise it when they must read the text again.", "1"),
            "statement": Key("text", "What people read and acknowledge, in one paragraph.", "what people acknowledge"),
            "confidential_topics": Key(
                "map of confidential topic",
                "What must not leave.",
                '{plans: {what: "…", terms: ["merger"], approver: legal}}',
            ),
            "sensitive_topics": Key(
                "map of sensitive topic",
                "What only some may answer.",
                '{layoffs: {what: "…", terms: ["layoffs"], owner: hr, responders: [hr], approver: legal}}',
            ),
            "disclosure": Key(
                "map of text or null", "The line that says who is speaking.", '{default: "I work for …"}'
            ),
            "acknowledgements": Key("acknowledgements", "How long an acknowledgement holds.", "{valid_for: 366d}"),
            "training": Key(
                "map of training", "Courses without which one drafts only.", "{basics: {what: …, valid_for: 366d}}"
            ),
            "tests": Key(
                "list of policy test", "Texts and the topics that they touch.", '[{text: "…", finds: [the topic]}]'
            ),
        }
    ),
    "confidential topic": Shape(
        {
            "what": Key("text", "What is confidential, as the writer is told.", "what is confidential"),
            "terms": Key("list of query", "Brand queries; any of them is enough.", '["merger", "takeover"]'),
            "approver": Key("name", "The role that may let it pass, with a reason.", "legal"),
        }
    ),
    "sensitive topic": Shape(
        {
            "what": Key("text", "What is sensitive, as the writer is told.", "what is sensitive"),
            "terms": Key("list of query", "Brand queries; any of them is enough.", '["layoffs", "job cuts"]'),
            "owner": Key("name", "The role that takes drafts and mentions about it.", "hr"),
            "responders": Key("some name", "Roles that may answer.", "[hr, pr]"),
            "approver": Key("name or null", "The role that clears the text; null: nobody need.", "legal, or null"),
        }
    ),
    "acknowledgements": Shape({"valid_for": Key("duration or null", "null: until the next version.", "366d, or null")}),
    "training": Shape(
        {
            "what": Key("text", "What is learned.", "what is learned"),
            "valid_for": Key("duration or null", "null: once is enough.", "366d, or null"),
            "roles": Key("some name", "Roles that need it; without it, everybody."),
        }
    ),
    "policy test": Shape(
        {
            "text": Key("text", "A draft.", "a draft"),
            "finds": Key("any name", "The topics that it touches; [] for none.", "[the topic]"),
            "note": Key("text", "Why the example is here."),
        }
    ),
}
"""Every map of the policy by its kind."""
