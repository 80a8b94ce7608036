"""HOW DOES THIS TEXT READ? Language, tone, flags and relevance of one text, in one call.

The steps know nothing of one another: the gate names the language, the flag rules read the words, the scorer reads the
tone (English only), and relevance looks at names and noise. A language without a scorer is "not scored", one without a
lexicon is "flags not checked"; neither is ever silently neutral.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Final

from triage.domain.queries import Document
from triage.domain.relevance import Relevance, judge_relevance
from triage.domain.sentiment import Sentiment, not_scored
from triage.language import vader
from triage.language.flags import LOWERABLE, FlagReader
from triage.language.gate import LangidDetector, LanguageGate
from triage.language.lexicon_files import Lexicon, shipped_lexicon
from triage.language.passages import Passages
from triage.language.tone import ToneReader

if TYPE_CHECKING:
    from collections.abc import Mapping

    from triage.domain.queries import Span
    from triage.domain.risk import Flag
    from triage.language.gate import Detector, Verdict

DEFAULT_LANGUAGES: Final = ("en", "fr")
SCORED_LANGUAGE: Final = "en"


@dataclass(frozen=True, slots=True)
class TextToRead:
    """One text and what is known of it.

    `spans` are the brand's matches (none: the whole text counts); `language_hint` is what the source declares;
    `brand_terms` are folded words, phrases and prefixes (`acme*`) to mask, as `Query.terms` writes them;
    `context_terms` are folded and only given for an ambiguous name. `document` saves folding the text again when the
    brand queries already did; it must be of the same title and body.
    """

    title: str
    body: str
    spans: tuple[Span, ...] = ()
    language_hint: str | None = None
    brand_terms: frozenset[str] = frozenset()
    context_terms: frozenset[str] = frozenset()
    document: Document | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read; offsets of flags and sentences are into `title`, a line break, `body` (`body` if no title).

    `language` is None for unknown. `flags_checked` is False when no lexicon of the text's language was there; what the
    other lexicons found is kept all the same.
    """

    language: str | None
    language_reason: str
    sentiment: Sentiment
    flags: tuple[Flag, ...]
    flags_checked: bool
    relevance: Relevance


class TextReader:
    """Reads texts; costly parts are loaded on first use or by `warm`, so that idle processes stay small.

    `languages` are those whose shipped lexicons are used; `own_lexicons` add an organisation's rules (known myths) to
    those of their language. One instance serves all threads of a process.
    """

    def __init__(
        self,
        *,
        languages: tuple[str, ...] = DEFAULT_LANGUAGES,
        own_lexicons: tuple[Lexicon, ...] = (),
        detector: Detector | None = None,
    ) -> None:
        self._languages: Final = tuple(dict.fromkeys((*languages, *(lexicon.language for lexicon in own_lexicons))))
        self._shipped: Final = languages
        self._own: Final = own_lexicons
        self._detector: Final = detector or LangidDetector()
        self._gate: Final = LanguageGate((*self._languages, SCORED_LANGUAGE), self._detector)

    def warm(self) -> None:
        """Load lexicons, the tone lexicon and the language model now (about 100 MB); call it before forking workers."""
        _ = self._rules
        vader.warm()
        self._detector.rank("This only loads the model.")

    def read(self, text: TextToRead) -> Reading:
        """Return how a text reads. Never raises for any text, and its work is bounded whatever the length."""
        verdict = self._gate.judge(f"{text.title}\n{text.body}", text.language_hint)
        document = text.document or Document(text.title, text.body)
        passages = Passages(text.title, text.body, text.spans)
        flags = self._raised(verdict, document, passages)
        return Reading(
            language=verdict.language,
            language_reason=verdict.reason,
            sentiment=self._toned(verdict.language, passages, text.brand_terms),
            flags=flags,
            flags_checked=verdict.language in self._rules.flags,
            relevance=self._relevance(document, text.context_terms, flags),
        )

    def _raised(self, verdict: Verdict, document: Document, passages: Passages) -> tuple[Flag, ...]:
        """Return the flags of the text's language.

        When that is not sure or has no lexicon, the other lexicons look for danger too; an unknown text is read by all.
        """
        readers = self._rules.flags
        own = readers.get(verdict.language or "")
        flags = own.read(document, passages) if own else ()
        if own and not verdict.unsure:
            return flags
        foreign = [flag for reader in readers.values() if reader is not own for flag in reader.read(document, passages)]
        if verdict.language:
            wanted = LOWERABLE if own else LOWERABLE | {"question"}
            foreign = [flag for flag in foreign if flag.name in wanted]
        return tuple(sorted((*flags, *foreign), key=lambda flag: (flag.start, flag.rule_id)))

    def _toned(self, language: str | None, passages: Passages, brand_terms: frozenset[str]) -> Sentiment:
        if language != SCORED_LANGUAGE:
            return not_scored(f"no scorer for {language}" if language else "the language is unknown")
        return self._rules.tone.read(passages, brand_terms)

    def _relevance(self, document: Document, context_terms: frozenset[str], flags: tuple[Flag, ...]) -> Relevance:
        words = [word for stream in document.fields for word in stream.text.words] if context_terms else []
        return judge_relevance(words, context_terms, {flag.name for flag in flags})

    @cached_property
    def _rules(self) -> _Rules:
        shipped = [shipped_lexicon(language) for language in self._shipped]
        every = (*shipped, *self._own)
        english = next((lexicon for lexicon in shipped if lexicon.language == SCORED_LANGUAGE), None)
        return _Rules(
            flags={
                language: FlagReader([lexicon for lexicon in every if lexicon.language == language])
                for language in self._languages
            },
            tone=ToneReader(english.tone if english else None),
        )


@dataclass(frozen=True, slots=True)
class _Rules:
    """What is compiled from the lexicons: flag rules by language, and the reader of English tone."""

    flags: Mapping[str, FlagReader]
    tone: ToneReader
