"""Is a text called English only when it is, and unknown when nobody can tell?"""

from __future__ import annotations

import subprocess
import sys

import pytest

from triage.language.function_words import FUNCTION_WORDS
from triage.language.gate import MODEL_CHARACTERS, LangidDetector, LanguageGate


class Fixed:
    """A detector that always gives one ranking, and notes what it was asked."""

    def __init__(self, *ranking):
        self.ranking = list(ranking)
        self.asked = []

    def rank(self, text):
        self.asked.append(text)
        return self.ranking


@pytest.fixture(scope="module")
def gate():
    """With the real model, loaded once."""
    return LanguageGate()


def language(detector, text, hint=None):
    return LanguageGate(detector=detector).judge(text, hint).language


LONG = "zorp blint quask verm tollo brins pfand ulmo gritz wanta"  # telling words of no language


# ---------------------------------------------------------------------------------------------- real texts

TEXTS = [
    ("en", "Acme recalls 40,000 chargers after fires"),
    ("en", "data breach exposes 2 million customer records"),
    ("en", "My Acme heater caught fire. Lawyer says call them"),
    ("en", "I'm calling my lawyer"),
    ("en", "Thanks for nothing @acme"),
    ("en", "Acme to kill legacy plan"),
    ("en", "no problem at all, great service"),
    ("en", "bad good"),
    ("en", "WHY IS MY ORDER STILL NOT HERE"),
    ("fr", "Le produit est dangereux et a blessé ma fille"),
    ("fr", "C'est une honte, je veux un remboursement"),
    ("fr", "Rappel de produit : Acme retire un lot de fromages"),
    ("fr", "mon colis n'est pas arrivé"),
    ("de", "Der Kundendienst war leider nicht sehr hilfreich und hat mich lange warten lassen"),
    ("es", "El pedido llegó tarde y nadie contesta el teléfono de atención al cliente"),
    ("it", "Il pacco non è ancora arrivato e nessuno risponde alle mie domande"),
    ("pt", "O meu pedido ainda não chegou e ninguém responde às mensagens que enviei"),
    ("nl", "Mijn bestelling is nog steeds niet aangekomen en niemand neemt de telefoon op"),
    ("ar", "لم يصل طلبي حتى الآن ولا أحد يرد على الهاتف في خدمة العملاء"),
    ("ja", "アクメの充電器が燃えました。すぐに交換してください"),
    ("zh", "充电器着火了请立即联系我们的客户服务部门"),
    ("ko", "주문한 상품이 아직도 도착하지 않았습니다"),
    ("ru", "Мой заказ до сих пор не пришёл, и никто не отвечает на звонки в поддержке"),
    ("el", "Η παραγγελία μου δεν έχει φτάσει ακόμα"),
    ("he", "ההזמנה שלי עדיין לא הגיעה"),
    ("th", "สินค้ายังไม่มาถึงเลย"),
]


@pytest.mark.parametrize(("expected", "text"), TEXTS)
def test_a_text_is_given_its_language(gate, expected, text):
    assert gate.judge(text).language == expected


@pytest.mark.parametrize(
    "text",
    [
        "mera order abhi tak nahi aaya hai, koi jawab bhi nahi de raha",
        "yeh service bahut kharab hai yaar, customer care wale phone nahi uthate",
        "Bilang sampai ketemu besok ya, pesanan saya belum datang juga",
        "Zamówienie nadal nie dotarło i nikt nie odbiera telefonu",
        "Min beställning har fortfarande inte kommit fram",
    ],
)
def test_a_language_that_we_do_not_score_is_never_called_english_or_french(gate, text):
    assert gate.judge(text).language not in {"en", "fr"}


@pytest.mark.parametrize(
    "text",
    ["", " ", "ok", "!!!", "12345", "\U0001f602\U0001f602", "\ud800", "@acme #acme https://acme.example/the/new"],
)
def test_what_says_nothing_is_unknown(gate, text):
    assert gate.judge(text).language not in {"en", "fr"}


# ---------------------------------------------------------------------------------------------- the rules, one by one


def test_english_needs_both_runs_of_the_model_to_say_so():
    assert language(Fixed("en", "fr"), LONG) == "en"
    assert language(Fixed("sw", "en", "fr"), LONG) is None  # restricted says en, free says sw
    assert language(Fixed("oc", "fr", "en"), LONG) is None


def test_a_language_without_consequences_needs_no_veto():
    assert language(Fixed("gl", "pt", "en"), LONG) == "pt"


def test_pidgin_and_close_relatives_count_as_what_their_readers_share():
    ranked = LangidDetector().rank("Alice Example, Bob Sample and Carol Specimen open a new office")
    assert "pcm" not in ranked
    assert "arz" not in ranked


def test_many_telling_words_spare_the_model():
    detector = Fixed("sw")
    verdict = LanguageGate(detector=detector).judge("I have been waiting for my order and nobody has answered")
    assert verdict.language == "en"
    assert "telling words" in verdict.reason
    assert detector.asked == []


def test_romanised_hindi_with_english_words_is_not_english():
    text = "service bahut kharab hai customer support bhi zero response time nahi"
    assert language(Fixed("en", "hi"), text) != "en"


def test_a_short_text_takes_the_language_its_source_declares():
    assert language(Fixed("la", "fr"), "Acme Paris Lyon", "fr-CA") == "fr"
    assert language(Fixed("la", "fr"), "Acme Paris Lyon", "EN_us") == "en"
    assert language(Fixed("la", "fr"), "Acme Paris Lyon", None) is None
    assert language(Fixed("la", "fr"), "Acme Paris Lyon", "!?") is None


def test_telling_words_outweigh_a_wrong_declaration():
    assert language(Fixed("en"), "je ne suis pas content", "en") == "fr"
    assert language(Fixed("fr"), "thanks for nothing", "fr") == "en"


def test_a_long_text_ignores_the_declaration():
    assert language(Fixed("en"), LONG, "fr") == "en"


def test_the_model_is_not_believed_about_a_very_short_text_with_consequences():
    assert language(Fixed("en"), "Acme recall") is None
    assert language(Fixed("en"), "Acme charger recall now") == "en"


def test_an_answer_about_a_short_text_is_marked_as_unsure_unless_several_words_tell():
    gate = LanguageGate(detector=Fixed("en"))
    assert gate.judge("Acme Paris Lyon").unsure
    assert gate.judge("Acme Paris Lyon", "en").unsure
    assert gate.judge("great Acme").unsure
    assert not gate.judge("thanks for nothing").unsure
    assert not gate.judge(LONG).unsure


def test_handles_hashtags_and_addresses_tell_nothing():
    detector = Fixed("en")
    LanguageGate(detector=detector).judge(f"@the_best_of_us #blint https://example.org/the/and/of {LONG}")
    [asked] = detector.asked
    assert "best" not in asked
    assert "example" not in asked
    assert "#" not in asked


def test_the_model_reads_only_the_beginning():
    detector = Fixed("en")
    LanguageGate(detector=detector).judge(f"{LONG} " * 10_000)
    assert [len(text) for text in detector.asked] == [MODEL_CHARACTERS]


def test_a_mostly_foreign_script_is_never_english_though_words_are_mixed_in():
    assert language(Fixed("en"), "the new Acme app не работает совсем у меня опять сегодня") != "en"


def test_a_foreign_name_in_latin_text_changes_nothing(gate):
    assert gate.judge("I have been to the 東京 office and they were very kind to us").language == "en"


def test_no_word_list_holds_accents_or_capitals():
    words = " ".join(FUNCTION_WORDS.values())
    assert words.isascii()
    assert words == words.lower()


def test_importing_the_reader_loads_no_model():
    script = (
        "import sys, triage.language.reader as reader; reader.TextReader();"
        "print([name for name in ('numpy', 'py3langid', 'vaderSentiment') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
