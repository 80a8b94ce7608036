"""Which language is this text in, and how sure are we?

The order, cheapest and surest first:
1. Script: a text that is mostly not in Latin letters is never English or French.
2. Function words: many telling words of one language and hardly any of another settle it without a model. On the
   eight-language set this made no mistake for English, and it spares the model's 75 MB and its time on most texts.
3. Short text (under 30 characters): telling words, then the language the source declares, then the model if it is
   unanimous; otherwise unknown. Statistics alone are right in only 88 % of such texts.
4. The model (py3langid): its best answer among the languages we know must, for a language that has consequences here
   (a scorer or a lexicon), also be its best answer among all 140. Restricting forces every unknown language into the
   list; this veto lets it out again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Protocol

from triage.domain.text import split_words
from triage.language.function_words import evidence

if TYPE_CHECKING:
    from collections import Counter

# Reported by name when the model finds them; every other language is "unknown".
KNOWN_LANGUAGES: Final = frozenset({"ar", "de", "en", "es", "fr", "hi", "it", "pt"})

SHORT_CHARACTERS: Final = 30  # design: below this the model is right in 88 % of texts
LEAST_CHARACTERS: Final = 18  # and below this its word is not enough to score a text or to call its flags checked
EVIDENCE_CHARACTERS: Final = 600
MODEL_CHARACTERS: Final = 160  # accuracy is flat from 100 characters on, and the cost is linear

# Evidence settles a text when it has enough distinct telling words, a share of all words (a smaller one does when they
# are many), and little against it.
_ENOUGH_TELLING: Final = 4
_TELLING_SHARE: Final = 0.2
_MANY_TELLING: Final = 8
_MANY_TELLING_SHARE: Final = 0.1
_SHORT_TELLING_SHARE: Final = 0.34
_AGAINST_SHARE: Final = 0.2
_LONG_WORDS: Final = 20  # distinct words
_LONG_TELLING: Final = 5
_LONG_TELLING_SHARE: Final = 0.12
_LONG_AGAINST_SHARE: Final = 0.34

# Nigerian Pidgin draws English headlines full of names to itself; for us both are English.
_ENGLISH_DIALECTS: Final = frozenset({"pcm"})
# Small relatives are reported as the language most of their readers share; none of these has consequences.
_PARENTS: Final = {"arz": "ar", "ary": "ar", "nn": "no", "lb": "de", "vec": "it", "lij": "it", "ext": "es", "an": "es"}

_NOT_WORDS: Final = re.compile(r"https?://\S+|www\.\S+|[@\uff20]\w+|#")
_LETTER: Final = re.compile(r"[^\W\d_]")
# Letters outside Latin; symbols and emoji are not letters and do not count.
_SCRIPTS: Final = (
    ("kana", "ja", re.compile("[\u3041-\u30ff]")),
    ("Hangul", "ko", re.compile("[\u1100-\u11ff\uac00-\ud7af]")),
    ("Han", "zh", re.compile("[\u3400-\u4dbf\u4e00-\u9fff]")),
    ("Thai", "th", re.compile("[\u0e00-\u0e7f]")),
    ("Greek", "el", re.compile("[\u0370-\u03ff\u1f00-\u1fff]")),
    ("Hebrew", "he", re.compile("[\u0590-\u05ff]")),
    # These scripts serve several languages: the model chooses.
    ("Arabic", None, re.compile("[\u0600-\u06ff\u0750-\u077f\ufb50-\ufdff\ufe70-\ufefc]")),
    ("Cyrillic", None, re.compile("[\u0400-\u052f]")),
    ("Indic", None, re.compile("[\u0900-\u0dff]")),
)
_BEYOND_LATIN: Final = re.compile("[\u0370-\u1dff\u2c00-\ua6ff\ua900-\ud7ff\uf900-\ufaff\ufb1d-\ufdff\ufe70-\ufefc]")


@dataclass(frozen=True, slots=True)
class Verdict:
    """A language (ISO 639-1) or None for unknown, why, and whether the text was too short to be sure of it."""

    language: str | None
    reason: str
    unsure: bool = False


class Detector(Protocol):
    """A statistical detector: `rank` lists language codes, best first."""

    def rank(self, text: str) -> list[str]:
        """Return language codes, best first; empty when the text holds nothing to go by."""
        ...


class LangidDetector:
    """py3langid over all its languages; one ranking answers both the free and the restricted question.

    The scores are one sum per language, so the first configured language of the free ranking *is* the answer of a
    run restricted to the configured ones. The model (75 MB, half a second) is loaded on first use.
    """

    def rank(self, text: str) -> list[str]:
        """Return all language codes, best first; empty when the text has no feature the model knows."""
        ranking = _identifier().rank(text)
        if ranking[0][1] == ranking[-1][1]:  # every score alike: nothing was recognised
            return []
        return [_PARENTS.get(language, language) for language, _ in ranking if language not in _ENGLISH_DIALECTS]

    def warm(self) -> None:
        """Load the model now."""
        _identifier()


class _Identifier(Protocol):
    def rank(self, instance: str) -> list[tuple[str, float]]: ...


@lru_cache(maxsize=1)
def _identifier() -> _Identifier:
    # Imported here: numpy and the model are not wanted in processes that read no text. An instance of our own,
    # because `set_languages` of the module changes state for everybody.
    from py3langid.langid import MODEL_FILE, LanguageIdentifier  # noqa: PLC0415  # lazy by design, see above

    identifier: _Identifier = LanguageIdentifier.from_model_file(MODEL_FILE)
    return identifier


class LanguageGate:
    """Decides the language of a text; `consequential` are the languages that have a scorer or a lexicon."""

    def __init__(self, consequential: tuple[str, ...] = ("en", "fr"), detector: Detector | None = None) -> None:
        self._consequential = frozenset(consequential)
        self._known = KNOWN_LANGUAGES | self._consequential
        self._detector = detector or LangidDetector()

    def judge(self, text: str, hint: str | None = None) -> Verdict:
        """Return the language of `text`; `hint` is what the source declares ("en", "fr-CA") or None."""
        cleaned = text[: 2 * EVIDENCE_CHARACTERS]
        if "@" in cleaned or "#" in cleaned or "://" in cleaned or "www." in cleaned or "\uff20" in cleaned:
            cleaned = _NOT_WORDS.sub(" ", cleaned)
        cleaned = cleaned.strip()[:EVIDENCE_CHARACTERS]
        if not cleaned.isascii():
            found = self._by_script(cleaned)
            if found:
                return found
        if not _LETTER.search(cleaned):
            return Verdict(None, "there are no words", unsure=True)
        words = set(split_words(cleaned))
        counts = evidence(words)
        settled = self._by_evidence(counts, len(words))
        if settled:
            return Verdict(settled, f"{counts[settled]} telling words of {settled}")
        if len(cleaned) < SHORT_CHARACTERS:
            return self._short(cleaned, counts, len(words), _base_code(hint))
        return self._by_model(cleaned, counts)

    def _by_script(self, text: str) -> Verdict | None:
        foreign = len(_BEYOND_LATIN.findall(text))
        if not foreign or foreign * 2 <= len(_LETTER.findall(text)):
            return None
        for name, language, letters in _SCRIPTS:
            # A little kana decides for Japanese, which is otherwise full of Han characters; others need a majority.
            needed = 1 if name == "kana" else foreign // 2
            if len(letters.findall(text)) < max(1, needed):
                continue
            if language:
                return Verdict(language, f"{name} script")
            return Verdict(self._beyond_latin(text), f"{name} script")
        return Verdict(None, "not in Latin script")

    def _by_evidence(self, counts: Counter[str], words: int) -> str | None:
        if not counts:
            return None
        [(top, found)] = counts.most_common(1)
        against = counts.total() - found
        share = _MANY_TELLING_SHARE if found >= _MANY_TELLING else _TELLING_SHARE
        enough = found >= _ENOUGH_TELLING and found >= share * words and against <= _AGAINST_SHARE * found
        return top if enough or _is_settled_by_length(words, found, against) else None

    def _short(self, text: str, counts: Counter[str], words: int, hint: str | None) -> Verdict:
        top, found = next(iter(counts.most_common(1)), ("", 0))
        alone = found == counts.total()
        if found and alone and found >= _SHORT_TELLING_SHARE * words and (found > 1 or words <= 2):  # noqa: PLR2004
            return Verdict(top, f"short, but {found} of {words} words are telling words of {top}", unsure=found == 1)
        if hint:
            return Verdict(hint, "short: the language its source declares", unsure=True)
        ranking = self._detector.rank(text)
        guess = self._restricted(ranking)
        if guess in self._consequential:  # other languages are only a label: a wrong one does no harm
            if len(text) < LEAST_CHARACTERS:
                return Verdict(None, "too short to tell", unsure=True)
            if ranking[0] != guess or counts[guess] < found:
                return Verdict(None, "too short to tell: the signs disagree", unsure=True)
        return Verdict(guess, "short: best guess of the model" if guess else "too short to tell", unsure=True)

    def _by_model(self, text: str, counts: Counter[str]) -> Verdict:
        ranking = self._detector.rank(text[:MODEL_CHARACTERS])
        guess = self._restricted(ranking)
        if guess is None:
            return Verdict(None, "no language is recognised")
        if guess in self._consequential and ranking[0] != guess:
            return Verdict(None, f"closest to {guess} of those we know, but closer still to {ranking[0]}")
        if guess == "en" and counts["hi"] > 1 and counts["hi"] >= counts["en"]:
            return Verdict("hi", "romanised Hindi mixed with English")
        return Verdict(guess, "model: best among those we know and among all")

    def _restricted(self, ranking: list[str]) -> str | None:
        return next((language for language in ranking if language in self._known), None)

    def _beyond_latin(self, text: str) -> str | None:
        ranking = self._detector.rank(text[:MODEL_CHARACTERS])
        # English or French written in another script is an error of the model.
        return ranking[0] if ranking and ranking[0] not in self._consequential else None


def _is_settled_by_length(words: int, found: int, against: int) -> bool:
    """In a longer text a smaller share suffices: chance strays into one language, but not five times."""
    long_enough = words >= _LONG_WORDS and found >= _LONG_TELLING and found >= _LONG_TELLING_SHARE * words
    return long_enough and against <= _LONG_AGAINST_SHARE * found


def _base_code(hint: str | None) -> str | None:
    """Reduce "fr-CA" or "en_US" to its language; nonsense such as "x" gives None."""
    code = re.split(r"[-_]", (hint or "").strip().lower())[0]
    return code if re.fullmatch(r"[a-z]{2,3}", code) else None
