"""Does the tone of a text equal VADER's where it should, differ where it must, and cost little whatever the text?"""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vaderSentiment.vaderSentiment import BOOSTER_DICT, NEGATE, SPECIAL_CASES, SentimentIntensityAnalyzer

from triage.domain.queries import Document, find, parse
from triage.domain.sentiment import NOT_SCORED, mean_tone, not_scored
from triage.language import vader
from triage.language.lexicon_files import shipped_lexicon
from triage.language.passages import MAX_TOKENS, Passages
from triage.language.tone import MAX_CHARACTERS, MAX_SENTENCES, MAX_WORDS, ToneReader, say_once

ORIGINAL = SentimentIntensityAnalyzer()
PHRASES = [word for phrase in (*SPECIAL_CASES, *BOOSTER_DICT) for word in phrase.split()]
VOCABULARY = [
    *list(ORIGINAL.lexicon)[::40],
    *PHRASES,
    *NEGATE,
    "so",
    "this",
    "least",
    "at",
    "very",
    "of",
    "no",
    "or",
    "but",
]
NAMES = frozenset({"acme", "united", "crisis", "center", "best buy", "hope*"})


def compound(text):
    described, _ = vader.describe_emojis(text, at_most=len(text))
    described = described.strip()
    words = vader.split_words(described)
    return vader.score(words, exclamations=described.count("!"), questions=described.count("?")).compound


def spelt(word, how):
    return {0: word, 1: word.upper(), 2: word.title(), 3: word + "!", 4: f'"{word}",'}[how]


words = st.builds(
    spelt,
    st.sampled_from(VOCABULARY) | st.sampled_from(["table", "train", "😂", "❤", ":)", ":-(", "1"]),
    st.integers(0, 4),
)


@given(
    st.lists(words, max_size=14).map(" ".join) | st.text(max_size=80),
    st.sampled_from(["", "!", "!!!!!", "??", "?????"]),
)
def test_the_compound_equals_that_of_vader_for_any_text(text, marks):
    assert compound(text + marks) == ORIGINAL.polarity_scores(text + marks)["compound"]


@pytest.mark.parametrize(
    ("text", "score"),
    [
        ("Acme recalls 40,000 chargers after fires", 0.0),
        ("data breach exposes 2 million customer records", -0.1280),
        ("My Acme heater caught fire. Lawyer says call them", -0.3400),
        ("Wow, amazing update. Absolutely love the bugs.", 0.9200),
        ("Great, another product update that breaks everything", 0.6249),
        ("Thanks for nothing @acme", 0.4404),
        ("@United flight cancelled, 6 hours on the phone, still no rebooking", -0.1027),
        ("Acme to kill legacy plan", -0.6908),
        ("no problem at all, great service", 0.7475),
        ("bad good", -0.1531),
    ],
)
def test_the_published_scores_are_reproduced(text, score):
    assert compound(text) == score


@pytest.fixture(scope="module")
def reader():
    return ToneReader(shipped_lexicon("en").tone)


def tone(reader, text, *, brand=NAMES, query=""):
    spans = find(parse(query), Document("", text)).spans if query else ()
    return reader.read(Passages("", text, spans), brand)


# ---------------------------------------------------------------------------------------------- how sentences add up


@pytest.mark.parametrize(
    ("values", "mean"), [([], 0.0), ([0.04, -0.04], 0.0), ([0.8, 0.0, 0.0], 0.8), ([0.8, -0.4], 0.2), ([-0.05], -0.05)]
)
def test_the_value_is_the_mean_of_the_sentences_that_carry_tone(values, mean):
    assert mean_tone(values) == mean


def test_saying_a_thing_ten_times_is_saying_it_once(reader):
    once = tone(reader, "bad good").value
    assert once == -0.1531
    assert tone(reader, " ".join(["bad good"] * 10)).value == once
    assert tone(reader, " ".join((["bad", "good"] * 10)[:19])).value == once  # ends in the middle of a repetition
    assert tone(reader, "bad good. " * 10).value == once


@pytest.mark.parametrize(
    ("said", "once"),
    [
        ("very very good", "very very good"),
        ("no no no no way", "no way"),
        ("a b a b c", "a b c"),
        ("you are late you are late again", "you are late again"),
        ("to be or not to be", "to be or not to be"),
    ],
)
def test_only_immediate_repetition_is_dropped(said, once):
    assert " ".join(say_once(said.split())) == once


def test_not_scored_is_none_and_says_why():
    unscored = not_scored("no scorer for fr")
    assert unscored.value is None
    assert not unscored.scored
    assert unscored.scorer == NOT_SCORED
    assert "fr" in unscored.note


def test_a_text_without_words_is_not_scored(reader):
    assert tone(reader, "  \n ").value is None


def test_a_scored_text_without_tone_is_zero_and_scored(reader):
    flat = tone(reader, "The train leaves at noon.")
    assert flat.value == 0.0
    assert flat.scored
    assert flat.scorer == "vader 3.3.2"


def test_the_note_names_the_words_that_counted_strongest_first(reader):
    assert tone(reader, "The soup was good but the service was terrible").note == "counted: terrible -2.1, good +1.9"


# ---------------------------------------------------------------------------------------------- what is masked


@pytest.mark.parametrize(
    ("named", "neutral"),
    [
        ("United delayed us again", "It delayed us again"),
        ("Acme Crisis Center opens on Monday", "It opens on Monday"),
        ("Best Buy opens on Monday", "It opens on Monday"),
        ("@happy_united opens on Monday", "It opens on Monday"),
        ("#love opens on Monday", "It opens on Monday"),
        ("https://great.example/love opens on Monday", "It opens on Monday"),
        ("Hopeful opens on Monday", "It opens on Monday"),
    ],
)
def test_names_handles_hashtags_and_addresses_carry_no_tone(reader, named, neutral):
    assert tone(reader, named).value == tone(reader, neutral).value


def test_a_brand_phrase_does_not_mask_its_words_elsewhere(reader):
    assert tone(reader, "They have the best prices").value > 0.5


def test_masking_keeps_capitals_comparable(reader):
    # VADER adds weight to capitals only where others are small: a mask in small letters would invent that difference.
    assert tone(reader, "UNITED WAS AWFUL").value == tone(reader, "IT WAS AWFUL").value


def test_business_idioms_are_not_anger(reader):
    assert tone(reader, "Acme to kill legacy plan").value == 0.0
    assert tone(reader, "They killed my neighbour").value < -0.6
    assert tone(reader, "I would like to book").value == 0.0
    assert tone(reader, "I like it").value > 0.3


@pytest.mark.parametrize(
    "text",
    ["My Acme heater caught fire\u2026 Lawyer says call them", "My Acme heater caught fire\u2026Lawyer says call them"],
)
def test_an_ellipsis_character_is_folded_first(reader, text):
    assert tone(reader, text).value == -0.34


def test_typographic_apostrophes_negate_too(reader):
    assert tone(reader, "It isn\u2019t good").value == tone(reader, "It isn't good").value < 0


def test_names_with_tone_can_be_listed_at_start():
    assert vader.words_with_tone(["Best", "Acme", "United"]) == {"Best": 3.2, "United": 1.8}


# ---------------------------------------------------------------------------------------------- whose tone


def test_in_a_long_text_the_sentences_that_hold_the_brand_count(reader):
    filler = "The market opened and people walked about in the square as on every day of the year. " * 3
    text = f"The terrible awful rival lost. {filler}Acme had a wonderful day."
    read = tone(reader, text, query="acme")
    assert [sentence.text for sentence in read.sentences] == ["Acme had a wonderful day."]
    assert read.value > 0.5


def test_neighbours_speak_when_the_brands_own_sentence_is_silent(reader):
    filler = "The market opened and people walked about in the square as on every day of the year. " * 3
    assert tone(reader, f"{filler}I bought an Acme. It is terrible.", query="acme").value < -0.3


def test_among_several_names_the_clause_of_the_brand_counts(reader):
    text = "The jury praised the wonderful Globex lamp, but Acme was a terrible disappointment"
    assert tone(reader, text, query="acme").value < -0.5
    assert tone(reader, text, query="globex").value > 0.3


def test_a_post_that_addresses_the_brand_is_about_it_as_a_whole(reader):
    text = "@Acme thanks to Bob, the flight was great"
    assert tone(reader, text, query="acme").value > 0.5


def test_offsets_of_sentences_point_into_the_text(reader):
    passages = Passages("Good news", "Acme is great. It works.")
    for sentence in reader.read(passages, NAMES).sentences:
        assert passages.text[sentence.start : sentence.end] == sentence.text


# ---------------------------------------------------------------------------------------------- what it costs


class Counting:
    """A scorer that counts what it is given."""

    def __init__(self) -> None:
        self.calls = 0
        self.words = 0
        self.longest = 0

    def __call__(self, words, *, exclamations=0, questions=0):
        self.calls += 1
        self.words += len(words)
        self.longest = max(self.longest, len(words))
        return vader.score(words, exclamations=exclamations, questions=questions)


MIXED = [
    f"{word}{number}"
    for number in range(2_000)
    for word in ("good", "bad", "train", "why", "not", "so", "or", "a", "it", "b")
]
HOSTILE = {
    "20,000 words without a full stop": " ".join(MIXED),
    "20,000 words in 4,000 sentences": ". ".join(" ".join(MIXED[i : i + 5]) for i in range(0, len(MIXED), 5)),
    "20,000 times one word": "bad " * 20_000,
    "10,000 emojis": "\U0001f602" * 10_000,
    "10,000 emojis with spaces": "\U0001f602 " * 10_000,
    "10,000 different emojis and words": " ".join(f"\U0001f602 w{i}" for i in range(10_000)),
    "200,000 letters without a space": "a" * 200_000,
    "marks only": "?!." * 50_000,
    "line breaks": "bad\n" * 20_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_the_work_is_bounded_whatever_the_text(name):
    scorer = Counting()
    read = ToneReader(scorer=scorer).read(Passages("", HOSTILE[name]), NAMES)
    assert scorer.calls <= MAX_SENTENCES
    assert scorer.words <= MAX_WORDS
    assert scorer.longest <= MAX_WORDS
    assert all(len(sentence.text.split()) <= MAX_TOKENS for sentence in read.sentences)


def test_at_most_fifty_emojis_are_read():
    described, used = vader.describe_emojis("\U0001f602" * 10_000, at_most=50)
    assert used == 50
    assert described.count("joy") == 50
    assert len(described) < 50 * len(" face with tears of joy") + 1


def test_a_run_without_spaces_is_cut():
    scorer = Counting()
    ToneReader(scorer=scorer).read(Passages("", "x" * 100_000), frozenset())
    assert scorer.words == 1
    [sentence] = ToneReader().read(Passages("", "x" * 100_000), frozenset()).sentences
    assert len(sentence.text) > MAX_CHARACTERS  # what is shown is the text; what is read is its beginning


def test_the_brand_is_read_even_at_the_end_of_a_very_long_text():
    text = "Nothing happened here today. " * 5_000 + "Acme was wonderful."
    read = ToneReader().read(Passages("", text, find(parse("acme"), Document("", text)).spans), NAMES)
    assert read.value > 0.5


@given(st.text(alphabet=string.printable + "\u2026\u2019é東\U0001f602\ud800", max_size=200))
def test_any_text_gives_a_value_within_bounds_or_none(text):
    value = ToneReader().read(Passages("", text), NAMES).value
    assert value is None or -1 <= value <= 1
