"""Does a text read as a sensible person would read it, and land where the process wants it?"""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.process import load_process
from triage.domain.process import Facts
from triage.domain.queries import Document, find, parse
from triage.domain.routing import compile_process, route
from triage.language.flags import LOWERABLE
from triage.language.lexicon_files import parse_lexicon
from triage.language.reader import TextReader, TextToRead

STARTER = Path(__file__).resolve().parents[2] / "config" / "processes" / "starter.yaml"
BRANDS = frozenset({"acme", "united"})
VERY_NEGATIVE = -0.60


@pytest.fixture(scope="module")
def process():
    return compile_process(load_process(STARTER).process)


@pytest.fixture(scope="module")
def reader():
    return TextReader()


def read(reader, text, **more):
    return reader.read(TextToRead("", text, brand_terms=BRANDS, **more))


def names(reading):
    return {flag.name for flag in reading.flags}


def category(process, reading, **more):
    facts = Facts(
        flags=frozenset(names(reading)), sentiment=reading.sentiment.value, relevance=reading.relevance.score, **more
    )
    return route(process, facts)


# ---------------------------------------------------------------------------------------------- the VADER fixtures (§8)

FIXTURES = [
    ("Acme recalls 40,000 chargers after fires", "safety_harm", True),
    ("data breach exposes 2 million customer records", "data_incident", True),
    ("My Acme heater caught fire. Lawyer says call them", "safety_harm", True),
    ("My Acme heater caught fire\u2026 Lawyer says call them", "safety_harm", True),
    ("I'm calling my lawyer", "legal_regulatory", True),
    ("Wow, amazing update. Absolutely love the bugs.", "tone_conflict", True),
    ("Great, another product update that breaks everything", "tone_conflict", True),
    ("Thanks for nothing @acme", "tone_conflict", True),
    ("@United flight cancelled, 6 hours on the phone, still no rebooking", "unhappy_customer", True),
    ("Le produit est dangereux et a blessé ma fille", "safety_harm", False),
    ("C'est une honte, je veux un remboursement", "unhappy_customer", False),
    ("no problem at all, great service", "praise", True),
]


@pytest.mark.parametrize("fixture", FIXTURES)
@pytest.mark.parametrize("matched", [False, True], ids=["whole text", "brand matched"])
def test_a_published_fixture_becomes_what_its_last_column_says(process, reader, fixture, matched):
    text, expected, scored = fixture
    match = find(parse("acme OR united"), Document("", text)) if matched else None
    reading = read(reader, text, spans=match.spans if match else ())
    routed = category(process, reading)
    assert routed.category == expected
    assert reading.sentiment.scored is scored
    assert routed.unscored is not scored


def test_the_ellipsis_fixture_scores_like_the_one_with_a_full_stop(reader):
    dots, stop = (read(reader, f"My Acme heater caught fire{mark} Lawyer says call them") for mark in ("\u2026", "."))
    assert dots.sentiment.value == stop.sentiment.value == -0.34


def test_the_idiom_fixture_is_not_very_negative(process, reader):
    reading = read(reader, "Acme to kill legacy plan")
    assert reading.sentiment.value > VERY_NEGATIVE
    assert category(process, reading).category == "unclassified"


def test_the_repetition_fixture_scores_the_same_once_and_nineteen_words_long(reader):
    long = " ".join((["bad", "good"] * 10)[:19])
    assert read(reader, "bad good").sentiment.value == read(reader, long).sentiment.value == -0.1531


def test_the_french_fixtures_raise_nothing_by_sentiment_and_are_never_zero(process, reader):
    reading = read(reader, "C'est une honte, je veux un remboursement")
    assert reading.sentiment.value is None
    assert reading.flags_checked
    assert category(process, reading, source_tier=1).raises is None


# ---------------------------------------------------------------------------------------------- further texts of danger


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Acme confirms data breach affecting 2 million customer records", "data_incident"),
        ("The charger caught fire in my daughter's room", "safety_harm"),
        ("Acme Crisis Center wins award for helping families", "praise"),
        ("I'm going to kill you all @acme", "threat_to_life"),
        ("Great, another delay. Thanks @united!", "tone_conflict"),
        ("You absolute morons, this is garbage", "rager"),
        ("Boycott Acme!", "campaign_attack"),
        ("Boycottez Acme !", "campaign_attack"),
        ("Do you ship to Norway?", "question"),
        ("Livrez-vous en Suisse ?", "question"),
        ("Earn money online, join my Telegram channel, guaranteed profits", "spam_or_irrelevant"),
        ("Is it true that Acme closes every store in May?", "misguided"),
    ],
)
def test_a_text_lands_where_a_sensible_person_expects_it(process, reader, text, expected):
    assert category(process, read(reader, text)).category == expected


def test_flags_do_not_depend_on_the_tone_of_the_text(reader):
    plain, glowing = (
        names(read(reader, f"{start} Acme recalls 40,000 chargers")) for start in ("", "What a wonderful day.")
    )
    assert plain & LOWERABLE == glowing & LOWERABLE == {"recall"}


# ---------------------------------------------------------------------------------------------- languages and lexicons


def test_a_language_without_a_lexicon_says_that_its_flags_were_not_checked(reader):
    reading = read(reader, "Der Kundendienst war leider nicht sehr hilfreich und hat mich lange warten lassen")
    assert reading.language == "de"
    assert not reading.flags_checked
    assert reading.sentiment.value is None
    assert "no scorer for de" in reading.sentiment.note


def test_danger_written_in_english_is_found_in_a_text_of_another_language(reader):
    reading = read(reader, "Acme bestätigt einen data breach, der leider sehr viele Kunden und ihre Daten betrifft")
    assert reading.language == "de"
    assert "data_breach" in names(reading)
    assert not reading.flags_checked


@pytest.mark.parametrize(("text", "flag"), [("Acme data breach", "data_breach"), ("Rappel produit", "recall")])
def test_a_text_too_short_to_tell_is_tried_in_every_language(reader, text, flag):
    assert flag in names(read(reader, text))
    assert flag in names(read(reader, text, language_hint="en"))
    assert flag in names(read(reader, text, language_hint="fr"))


def test_trouble_of_every_day_is_left_to_the_lexicon_of_the_text(reader):
    # "bugs" alone is trouble in the French lexicon; the English one knows that "no bugs" is praise.
    assert names(read(reader, "Works like a charm, no bugs")) == set()


def test_the_declared_language_scores_a_short_text(reader):
    assert read(reader, "Acme superb").sentiment.value is None
    assert read(reader, "Acme superb", language_hint="en-GB").sentiment.value > 0.5


def test_an_organisation_adds_rules_of_its_own():
    own = parse_lexicon(
        "language: en\nrules:\n  - {id: palm, flag: known_myth, severity: 0.4, pattern: '\"palm oil\"', "
        "must: [they use palm oil], must_not: [they use rapeseed oil]}\n",
        "own.yaml",
    )
    reading = TextReader(own_lexicons=(own,)).read(TextToRead("", "I have heard that your soap is full of palm oil"))
    assert "known_myth" in names(reading)


def test_one_language_may_be_configured_alone():
    only_english = TextReader(languages=("en",))
    reading = only_english.read(TextToRead("", "Le produit est dangereux et a blessé ma fille hier matin"))
    assert reading.language == "fr"
    assert not reading.flags_checked


# ---------------------------------------------------------------------------------------------- relevance


def test_an_ambiguous_name_without_context_is_discarded_and_a_threat_in_it_is_not(process, reader):
    context = frozenset({"phone", "bill"})
    juice = read(reader, "Orange juice is good with breakfast", context_terms=context)
    threat = read(reader, "Orange people: I know where you live", context_terms=context)
    assert juice.relevance.score == threat.relevance.score == 0.2
    assert category(process, juice).category == "spam_or_irrelevant"
    assert category(process, threat).category == "threat_to_life"
    assert read(reader, "My Orange phone bill", context_terms=context).relevance.score == 0.9


# ---------------------------------------------------------------------------------------------- any text at all


def test_reading_twice_gives_the_same_and_a_ready_document_changes_nothing(reader):
    title, body = "Acme heater caught fire", "Nobody answers. I want a refund! \U0001f621"
    given_document = TextToRead(title, body, brand_terms=BRANDS, document=Document(title, body))
    assert reader.read(given_document) == reader.read(TextToRead(title, body, brand_terms=BRANDS))


def test_a_reader_that_was_warmed_reads_the_same(reader):
    warmed = TextReader()
    warmed.warm()
    assert read(warmed, "Thanks for nothing @acme") == read(reader, "Thanks for nothing @acme")


@given(st.text(max_size=300), st.text(max_size=40), st.none() | st.text(max_size=6))
def test_no_text_makes_it_fail(body, title, hint):
    reading = READER.read(TextToRead(title, body, language_hint=hint, brand_terms=BRANDS, context_terms=BRANDS))
    joined = f"{title}\n{body}" if title else body
    assert all(joined[flag.start : flag.end] == flag.words for flag in reading.flags)
    assert all(joined[one.start : one.end] == one.text for one in reading.sentiment.sentences)
    assert reading.sentiment.value is None or reading.language == "en"


HOSTILE = [
    "refund refund service bad " * 5_000,
    "why still? " * 10_000,
    "\U0001f602" * 10_000,
    "not good. " * 10_000,
    "@acme " * 20_000,
    "caught fire " * 10_000,
    "\u0000" * 5_000,
    "a" * 100_000,
    "e\u0301" * 20_000,
    "\n" * 50_000,
]


@pytest.mark.parametrize("text", HOSTILE, ids=[text[:12].strip() or repr(text[:1]) for text in HOSTILE])
def test_a_hostile_text_gives_a_bounded_reading(reader, text):
    reading = read(reader, text)
    assert len(reading.flags) <= 100
    assert len(reading.sentiment.sentences) <= 40


READER = TextReader()
