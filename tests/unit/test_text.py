"""Text is compared without case and accents, and every word knows its place in the original."""

from __future__ import annotations

import sys
import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage.domain.text import (
    Folded,
    Token,
    content_fingerprint,
    fold,
    has_unspaced,
    split_words,
    splits_word,
    stream_safe,
    tokenise,
)

# Letters of many scripts, marks, separators and the characters that change length when folded.
ALPHABET = "aAbBeEzZ01_ .,-#@$'’“…\u0301\u0308\u3099\u094d\u00ad\u200b\ufe0fßŒœæøłđıİéÉñﬃ½㈱℡Ａａｶﾞがカタทำกิน東京삼Σςॐक्या🔥👍\U0001d400"
TEXTS = st.text(st.sampled_from(ALPHABET), max_size=40) | st.text(max_size=40)


def texts(original: str) -> list[str]:
    return [token.text for token in tokenise(original)]


@pytest.mark.parametrize(
    ("original", "folded"),
    [
        ("Acme", "acme"),
        ("L'Oréal", "l'oreal"),
        ("Cœur Straße", "coeur strasse"),
        ("Æsir Øre Łódź Đakovo ısı", "aesir ore lodz dakovo isi"),
        ("İstanbul", "istanbul"),
        ("ＡＣＭＥ", "acme"),
        ("ﬃ ½ ℡ 𝐀", "ffi 1⁄2 tel a"),
        ("Ame\u0301lie", "amelie"),
        ("ΛΌΓΟΣ", "λογοσ"),
        ("Ac\u00adme", "acme"),
    ],
)
def test_folding_removes_case_accents_and_compatibility_forms(original, folded):
    assert fold(original) == folded


def test_an_ellipsis_or_other_punctuation_never_glues_words():
    assert texts("fire…recall a—b c·d e’f «g» h/i j•k lʼm") == ["fire", "recall", *"abcdefghijklm"]


def test_voicing_marks_and_vowel_signs_are_letters_and_stay():
    assert fold("が") != fold("か")
    assert texts("กิน") == ["กิ", "น"]
    assert fold("कि") != fold("क")


def test_folding_twice_changes_no_character_of_unicode():
    characters = (chr(code) for code in range(sys.maxunicode + 1) if not 0xD800 <= code < 0xE000)
    assert [c for c in characters if unicodedata.category(c) != "Cn" and fold(fold(c)) != fold(c)] == []


@given(TEXTS)
def test_folding_is_idempotent(text):
    assert fold(fold(text)) == fold(text)


@given(st.text(st.characters(max_codepoint=127)))
def test_ascii_takes_a_fast_path_to_the_same_result(text):
    assert fold(text) == unicodedata.normalize("NFKD", text.casefold())
    assert split_words(text) == split_words(f"{text} é")[:-1]


@given(TEXTS, TEXTS)
def test_words_of_two_texts_with_a_space_between_are_the_words_of_both(left, right):
    assert split_words(f"{left} {right}") == split_words(left) + split_words(right)


@given(TEXTS)
def test_token_offsets_point_at_the_word_in_the_original(text):
    starts = []
    for token in tokenise(text):
        assert token.text in fold(text[token.start : token.end])
        assert 0 <= token.start < token.end <= len(text)
        starts.append(token.start)
    assert starts == sorted(starts)


def test_offsets_survive_letters_that_change_length():
    text = "Straße, ﬃ und Ame\u0301lie ½"
    assert [(token.text, text[token.start : token.end]) for token in tokenise(text)] == [
        ("strasse", "Straße"),
        ("ffi", "ﬃ"),
        ("und", "und"),
        ("amelie", "Ame\u0301lie"),
        ("1", "½"),
        ("2", "½"),
    ]


def test_a_token_carries_the_sigil_just_before_it():
    assert [(token.text, token.sigil) for token in tokenise("#Acme @acme_help $ACM ＃full a#b # c")] == [
        ("acme", "#"),
        ("acme_help", "@"),
        ("acm", "$"),
        ("full", "#"),
        ("a", ""),
        ("b", "#"),
        ("c", ""),
    ]


def test_addresses_in_a_text_are_not_words():
    text = "see https://acme.com/recall?a=b, WWW.acme.org and Acme.com"
    assert tokenise(text) == (
        Token("see", 0, 3, ""),
        Token("and", text.index("and"), text.index("and") + 3, ""),
        Token("acme", text.index("Acme"), text.index("Acme") + 4, ""),
        Token("com", len(text) - 3, len(text), ""),
    )
    assert Folded(text).addresses == ["https://acme.com/recall?a=b,", "WWW.acme.org"]


def test_an_address_ends_where_a_script_without_spaces_begins():
    assert texts("https://acme.com/東京") == ["東", "京"]


def test_each_character_is_a_token_in_scripts_without_spaces():
    assert texts("新東京駅acmeカタ") == ["新", "東", "京", "駅", "acme", "カ", "タ"]
    assert has_unspaced("ｶ")
    assert not has_unspaced("삼성 acme")


@pytest.mark.parametrize(
    ("text", "offset", "cut"),
    [("acme", 2, True), ("a b", 1, False), ("C#", 1, False), ("e\u0301", 1, True), ("東京", 1, False), ("x東", 1, False), ("ab", 0, False), ("ab", 2, False), ("a1", 1, True), ("a_", 1, True)],
)  # fmt: skip
def test_a_cut_inside_a_word_is_told_from_one_between_words(text, offset, cut):
    assert splits_word(text, offset) is cut


def test_words_are_known_without_working_out_their_places():
    folded = Folded("Acme recalls chargers; ACME says sorry")
    assert folded.positions("acme") == [0, 3]
    assert folded.spaced == " acme recalls chargers acme says sorry "
    assert folded.has("chargers acme")
    assert not folded.has("charger")
    assert folded._bounds == []
    assert folded.place(3, 3) == (23, 27)


def test_a_long_text_is_indexed_and_says_the_same():
    folded = Folded("acme x " * 300)
    assert list(folded.positions("acme")) == list(range(0, 600, 2))
    assert list(folded.positions("zenith")) == []
    assert list(folded.positions("x")) == list(range(1, 600, 2))


@pytest.mark.parametrize("marks", ["\u0301\u0316", "\u0316\u0301", "\u094d\u0c55\u200b", "\U0001d165\U0001d16d"])
def test_s13_piled_up_accents_do_not_cost_quadratic_time(marks):
    text = "a" + marks * 200_000 + " acme"
    started = time.process_time()
    tokens = tokenise(text)
    assert time.process_time() - started < 5  # sorting these marks would take minutes
    assert tokens[-1] == Token("acme", len(text) - 4, len(text), "")


def test_a_stream_safe_text_keeps_its_length_and_its_emoji():
    emoji = "👍🏽❤️" * 40
    assert stream_safe(emoji) == emoji
    assert stream_safe("é" + "\u0301" * 50) == "é" + "\u00ad" * 50
    assert stream_safe("e" + "\u0301" * 30) == "e" + "\u0301" * 30


def test_two_copies_of_one_text_share_a_fingerprint():
    first = content_fingerprint("Acme recalls", "40,000 chargers — “now”!")
    assert first == content_fingerprint("ACME  recalls…", "40.000 chargers: now")
    assert len(first) == 64
    assert int(first, 16)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (("Acme", "recall"), ("Acme recall", "")),
        (("", "great 👍"), ("", "great 👎")),
        (("", "!!!"), ("", "???")),
        (("", "see https://x.org/1"), ("", "see https://x.org/2")),
        (("", "a b"), ("", "ab")),
    ],
)
def test_texts_that_say_something_else_have_another_fingerprint(left, right):
    assert content_fingerprint(*left) != content_fingerprint(*right)


def test_a_lone_surrogate_is_a_separator_and_breaks_nothing():
    assert texts("acme\ud83dcorp") == ["acme", "corp"]
    assert content_fingerprint("\ud83d", "acme\ud83d")
