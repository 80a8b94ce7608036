"""Do the shipped lexicons find what people really write, and are files with mistakes refused?"""

from __future__ import annotations

from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage.domain.errors import InvalidFile
from triage.domain.process import KNOWN_FLAGS
from triage.domain.queries import Document, parse
from triage.domain.queries.distance import Near
from triage.domain.queries.documents import Field
from triage.language.flags import LOWERABLE, FlagReader
from triage.language.lexicon_files import load_lexicon, parse_lexicon, shipped_lexicon
from triage.language.passages import Passages
from triage.language.word_pairs import Stream, finder

# Our own sentences, none of them an example of a rule: (text, flags). Flags of danger must be exactly these; flags of
# daily work must be among those raised.
ENGLISH = [
    ("Acme is recalling 12,000 kettles after two burned customers", "recall"),
    ("Has your stroller been recalled? Check the list on the Acme site.", "recall question"),
    ("Acme ordered to recall its scooters by the safety board", "recall"),
    ("My daughter got an electric shock from the Acme lamp", "injury"),
    ("The Acme slicer cut my finger to the bone, four stitches", "injury"),
    ("Grandfather rushed to hospital after the Acme heater tipped over", "injury"),
    ("A toddler died after the Acme cot collapsed, coroner says", "injury"),
    ("This step stool is so dangerous, it folds under you", "injury"),
    ("Acme e-bike battery exploded in my hallway last night", "fire"),
    ("Fire crews called as Acme warehouse on fire in Leeds", "fire"),
    ("There is a burning smell whenever I plug the charger in", "fire"),
    ("We found worms in the Acme cereal, second box this month", "contamination"),
    ("Three children ill after eating Acme fish fingers", "contamination"),
    ("Listeria detected in Acme smoked salmon", "contamination"),
    ("Acme confirms data breach affecting 2 million customer records", "data_breach"),
    ("Hackers claim they have the Acme customer database", "data_breach"),
    ("Acme leaked my personal information to another customer", "data_breach"),
    ("Someone logged into my Acme account from Brazil", "account_takeover"),
    ("There is an order I didn't place on my card, please stop it", "account_takeover"),
    ("Careful: a fake account with your logo answers customers", "impersonation"),
    ("Got a scam text that says it is from Acme delivery", "impersonation"),
    ("I have reported you to the ombudsman", "regulator"),
    ("The regulator opens probe into Acme's fees", "regulator"),
    ("You will hear from my lawyers on Monday", "lawsuit"),
    ("Former drivers filed a class action against Acme", "lawsuit"),
    ("Acme sued over hidden charges", "lawsuit complaint"),
    ("Your clerk was openly racist to my mother", "discrimination"),
    ("They kicked out a man because of his guide dog, and refused my wheelchair", "discrimination"),
    ("This shop is a scam, they stole my money", "fraud_claim complaint"),
    ("Acme director charged with money laundering", "fraud_claim"),
    ("Your courier was drunk and shouted at my wife", "employee_misconduct"),
    ("The shop manager harassed two of his trainees", "employee_misconduct"),
    ("An internal memo from Acme says the defect was known in 2023", "confidential_leak"),
    ("Oxfam accuses Acme suppliers of forced labour", "ngo_campaign"),
    ("Protest outside the Acme flagship store this Saturday", "ngo_campaign"),
    ("I am boycotting Acme until they treat staff decently", "boycott_call"),
    ("Friends, don't buy from Acme this Christmas", "boycott_call"),
    ("Everyone please leave a 1 star review, let's flood their page", "coordinated"),
    ("I'll burn down your store if you ignore me again", "threat_violence"),
    ("After the third refusal I honestly want to die", "self_harm"),
    ("I am a reporter for the Evening Example, who handles media enquiries?", "press_request question"),
    ("How long does it take to ship to Norway?", "question"),
    ("does anyone know if the blue one is back", "question"),
    ("Worst airline I have ever flown", "complaint"),
    ("Been on hold for 50 minutes now", "complaint"),
    ("My parcel still hasn't arrived", "complaint"),
    ("they lost our bags in Chicago", "complaint"),
    ("You charged me twice, I want my money back", "complaint"),
    ("The new app keeps freezing and never works on my tablet", "failure_words"),
    ("Fantastic, another outage. Love it.", "failure_words"),
    ("Thanks for losing my suitcase, great job", "failure_words"),
    ("Why is checkout still broken?", "failure_words question"),
    ("You absolute morons", "abuse"),
    ("Is it true that Acme is closing all its stores?", "disputed_fact question"),
    ("Earn money online with Acme coin, join my Telegram now", "spam"),
    ("We're hiring! Apply now for the night shift role at Acme", "job_ad"),
    ("Acme pulls baby formula over bacteria fears", "recall contamination"),
    ("Two people hurt in blast at Acme plant", "injury fire"),
    ("The wheel of the Acme stroller came off and my kid fell into the road", "injury"),
    ("Acme phones overheating, users report burns", "fire injury"),
    ("Customers' passwords leaked after Acme hack", "data_breach"),
    ("Acme hit by hackers, services down", "data_breach"),
    ("Acme employees accuse boss of groping", "employee_misconduct"),
    ("EU fines Acme 20 million euros", "regulator"),
    ("I can't do this anymore, I'm going to end it all", "self_harm"),
    ("i will come to your office and shoot everyone", "threat_violence"),
    ("Someone is pretending to be Acme on Instagram", "impersonation"),
    ("There were glass shards in my Acme jam", "contamination"),
    ("Rats in the kitchen of Acme Burger, health inspectors close it", "contamination regulator"),
    ("Acme CEO arrested on fraud charges", "fraud_claim"),
    ("Acme recall: which models are affected?", "recall question"),
    ("Carbon monoxide leak traced to Acme boiler", "injury"),
    ("Acme toothpaste tube exploded", "fire"),
    ("Acme driver assaulted a passenger", "employee_misconduct"),
    ("#deleteAcme", "boycott_call"),
    # and what must raise no danger
    ("Great fire sale at Acme, everything must go", ""),
    ("So fired up for the Acme cup final tonight", ""),
    ("this album is fire", ""),
    ("I recall the moment I bought my first Acme", ""),
    ("She recalled how her father repaired radios", ""),
    ("Acme now sells data breach insurance to bakeries", ""),
    ("Sales of the Acme phone exploded in March", ""),
    ("Her smile could kill, lovely advert by Acme", ""),
    ("My phone died, typing from a laptop", ""),
    ("The voltage regulator in my Acme amplifier is excellent", ""),
    ("Acme to kill legacy plan", ""),
    ("No injuries, no drama, just a good day with Acme", ""),
    ("Acme Crisis Center wins award for helping families", ""),
    ("no problem at all, great service", ""),
    ("so sue me, I like the purple one", ""),
    ("I could not put this book down, thrilling from page one", ""),
    ("The bug fixes in this update are excellent", ""),
]
# Praise and plain news: no flag at all.
PLEASANT = """
Thanks for the quick refund, that was painless
Thank you for fixing the issue with my order so fast
Huge thanks to Maria at the help desk, problem solved in five minutes
Shout out to the Acme crew for finding my lost bag
I was worried about delivery but it arrived a day early
No issues at all with the new kettle
Best customer service I have ever had
I can't recommend Acme enough
You guys rock, love the new app
The delivery was on time and the driver was lovely
Not a single problem in three years
My refund arrived within a day, great job
The agent resolved my complaint within minutes, impressed
Can't wait for the new season at Acme
Finally a bank that answers the phone
Still the best coffee in town
The update fixed the crashes, thank you
Never had a bad meal here
Nothing but praise for this team
So happy with my purchase, zero regrets
The return was easy and free
Works like a charm, no bugs
Killer deal on shoes today
Sick beats in the new Acme advert
Acme opens its third store in Oslo
Acme appoints a new finance director
The museum, sponsored by Acme, is open late on Fridays
I wish every shop were like this
It's not the cheapest but worth the money
""".strip().splitlines()
PLAISANT = """
Merci pour le remboursement si rapide
Merci d'avoir réglé mon problème avec la commande
Service impeccable, livraison rapide
Je recommande à 100 %, jamais eu de souci
Un grand bravo à Julie du service client
Toujours satisfait de mes achats
La panne a été réparée en une heure, merci
Colis arrivé en avance, parfait
Hâte de recevoir ma commande
Acme ouvre une nouvelle boutique à Lille
Pas un seul problème en trois ans
Le vendeur a pris le temps de m'expliquer, top
Rien à redire, tout est parfait
Super accueil et prix corrects
""".strip().splitlines()
FRENCH = [
    ("Acme rappelle 3 000 voitures pour un défaut de freins", "recall"),
    ("Avis de rappel sur les poussettes Acme", "recall"),
    ("Ces biscuits ont été retirés de la vente hier", "recall"),
    ("Mon fils s'est brûlée la main avec la bouilloire Acme", "injury"),
    ("Ma grand-mère a été hospitalisée après votre crème", "injury"),
    ("Un bébé est mort dans un lit Acme", "injury"),
    ("Cette chaise est dangereuse, elle se replie toute seule", "injury"),
    ("Le produit est dangereux et a blessé ma fille", "injury"),
    ("La trottinette Acme a pris feu dans le couloir", "fire"),
    ("Gros incendie à l'entrepôt Acme de Lyon", "fire"),
    ("Ça sent l'odeur de brûlé dès que je branche le chargeur", "fire"),
    ("On a trouvé des asticots dans les céréales Acme", "contamination"),
    ("Trois enfants malades après avoir mangé à la cantine Acme", "contamination"),
    ("Présence de listeria dans le fromage Acme", "contamination"),
    ("Fuite de données : 500 000 clients Acme concernés", "data_breach"),
    ("Acme touché par une cyberattaque", "data_breach"),
    ("Quelqu'un a piraté mon compte Acme et changé l'adresse", "account_takeover"),
    ("Trois prélèvements frauduleux sur ma carte, réagissez", "account_takeover"),
    ("Méfiez-vous de ce faux site qui imite le vôtre", "impersonation"),
    ("Un homme se fait passer pour un technicien Acme", "impersonation"),
    ("J'ai écrit à la répression des fraudes", "regulator"),
    ("Acme écope d'une amende de 4 millions d'euros", "regulator"),
    ("Vous aurez des nouvelles de mon avocat", "lawsuit"),
    ("Je vais porter plainte contre votre agence", "lawsuit"),
    ("Accueil raciste à la caisse, honteux", "discrimination complaint"),
    ("Bande d'escrocs, rendez-moi mon argent", "fraud_claim complaint"),
    ("Votre livreur m'a insulté devant mes enfants", "employee_misconduct"),
    ("Une note interne d'Acme prouve que la direction savait", "confidential_leak"),
    ("Les ONG dénoncent la déforestation liée à Acme", "ngo_campaign"),
    ("Boycottons Acme tant qu'ils refusent le dialogue", "boycott_call"),
    ("N'achetez plus rien chez Acme", "boycott_call"),
    ("Je sais où vous habitez, faites attention", "threat_violence"),
    ("Avec cette dette j'ai envie d'en finir", "self_harm"),
    ("Bonjour, je suis journaliste à la Gazette, une réaction ?", "press_request"),
    ("Livrez-vous en Belgique ?", "question"),
    ("comment faire pour changer d'adresse", "question"),
    ("C'est une honte, je veux un remboursement", "complaint"),
    ("Toujours aucune réponse à mes trois mails", "complaint"),
    ("Vol annulé, deux heures d'attente et personne", "complaint"),
    ("Colis jamais reçu, service client injoignable", "complaint"),
    ("L'appli ne fonctionne plus depuis mardi", "failure_words"),
    ("Super, encore une panne", "failure_words"),
    ("Merci pour rien", "failure_words"),
    ("Pourquoi le site est toujours en panne ?", "failure_words question"),
    ("Bande d'abrutis", "abuse"),
    ("Il paraît que Acme supprime ses points fidélité", "disputed_fact"),
    ("Acme recrute des vendeurs, CDI à pourvoir", "job_ad"),
    ("Acme condamné pour publicité trompeuse", "lawsuit fraud_claim"),
    ("Explosion dans une usine Acme : deux blessés", "fire injury"),
    ("Acme : des milliers de mots de passe dans la nature", "data_breach"),
    ("Je vais venir avec une batte dans votre agence", "threat_violence"),
    ("Mes données perso chez Acme sont en vente sur le darknet", "data_breach"),
    ("Plusieurs intoxications signalées après un repas chez Acme", "contamination"),
    ("Ma fille s'est coupée avec le jouet Acme", "injury"),
    ("Des rats dans la cuisine d'Acme Burger", "contamination"),
    ("Lits Acme rappelés après un accident", "recall"),
    ("Des clients d'Acme se sont fait vider leur compte", "account_takeover"),
    ("Intoxication au monoxyde à cause d'une chaudière Acme", "contamination injury"),
    # sans danger
    ("Ce parfum me rappelle mon enfance", ""),
    ("Les prix ont explosé cette année", ""),
    ("Une explosion de saveurs dans ce yaourt", ""),
    ("Le chocolat a fondu dans ma poche, tant pis", ""),
    ("Bravo pour votre accueil, quelle équipe", ""),
    ("Livré sans retard, merci", ""),
    ("Un toast à l'avocat, un vrai délice", ""),
    ("On est morts de rire devant votre pub", ""),
]


@pytest.fixture(scope="module")
def english():
    return FlagReader([shipped_lexicon("en")])


@pytest.fixture(scope="module")
def french():
    return FlagReader([shipped_lexicon("fr")])


def raised(reader, text):
    return reader.read(Document("", text), Passages("", text))


def check(reader, text, expected):
    names = {flag.name for flag in raised(reader, text)}
    assert names & LOWERABLE == set(expected.split()) & LOWERABLE
    assert names >= set(expected.split())


@pytest.mark.parametrize(("text", "expected"), ENGLISH)
def test_an_english_sentence_raises_its_flags_and_no_other_danger(english, text, expected):
    check(english, text, expected)


@pytest.mark.parametrize(("text", "expected"), FRENCH)
def test_a_french_sentence_raises_its_flags_and_no_other_danger(french, text, expected):
    check(french, text, expected)


@pytest.mark.parametrize("text", PLEASANT)
def test_english_praise_and_plain_news_raise_nothing(english, text):
    assert raised(english, text) == ()


@pytest.mark.parametrize("text", PLAISANT)
def test_french_praise_and_plain_news_raise_nothing(french, text):
    assert raised(french, text) == ()


@pytest.mark.parametrize("language", ["en", "fr"])
def test_every_flag_that_a_process_may_use_has_a_rule_except_known_myths_which_are_the_organisations(language):
    lexicon = shipped_lexicon(language)
    flags = {rule.flag for rule in lexicon.rules} | {"question"}
    assert flags == KNOWN_FLAGS - {"known_myth"}


# ---------------------------------------------------------------------------------------------- what lowers a flag

LOWERED = [
    ("en", "Acme denies data breach", "data_breach", "reported"),
    ("en", "There is no evidence of a data breach at Acme", "data_breach", "negated"),
    ("en", "The charger never caught fire in our test", "fire", "negated"),
    ("en", "What if the battery catches fire at night", "fire", "hypothetical"),
    ("en", "No one was injured, says Acme", "injury", "negated"),
    ("en", "the allegedly contaminated yoghurt", "contamination", "reported"),
    ("fr", "Acme dément toute fuite de données", "data_breach", "reported"),
    ("fr", "Le chargeur n'a pas pris feu", "fire", "negated"),
    ("fr", "Aucun incendie dans nos entrepôts", "fire", "negated"),
    ("fr", "Et si la batterie prend feu la nuit", "fire", "hypothetical"),
    ("fr", "personne n'a été blessé", "injury", "negated"),
]


@pytest.mark.parametrize(("language", "text", "flag", "lowered"), LOWERED)
def test_negated_hypothetical_and_reported_danger_is_lowered_and_never_removed(request, language, text, flag, lowered):
    reader = request.getfixturevalue("english" if language == "en" else "french")
    [found] = [found for found in raised(reader, text) if found.name == flag]
    assert found.lowered == lowered
    assert 0 < found.weight < found.severity


def test_a_cue_in_another_sentence_or_behind_the_words_lowers_nothing(english):
    for text in ("There was no queue. The charger caught fire.", "The charger caught fire, which Acme denies"):
        [fire] = [flag for flag in raised(english, text) if flag.name == "fire"]
        assert fire.lowered == ""


def test_one_plain_mention_outweighs_a_lowered_one(english):
    [fire] = [
        flag for flag in raised(english, "It never caught fire before. Today it caught fire.") if flag.name == "fire"
    ]
    assert fire.lowered == ""


def test_trouble_of_every_day_is_not_lowered(english):
    flags = raised(english, "I have never again used their awful service")
    assert {flag.lowered for flag in flags if flag.name == "complaint"} == {""}


# ---------------------------------------------------------------------------------------------- where flags are found


def spans(text, word):
    from triage.domain.queries import find  # noqa: PLC0415  # only these tests need it

    return find(parse(word), Document("", text)).spans


def test_a_flag_far_from_the_brand_does_not_count_unless_its_rule_says_anywhere(english):
    filler = "The weather was fine. We had tea. It was quiet. "
    far = "Acme opened a shop. " + filler + "In other news a factory caught fire."
    near = "Acme opened a shop. A factory caught fire."
    threat = "Acme opened a shop. " + filler + "I know where you live."

    def names(text):
        return {flag.name for flag in english.read(Document("", text), Passages("", text, spans(text, "acme")))}

    assert "fire" not in names(far)
    assert "fire" in names(near)
    assert "threat_violence" in names(threat)


def test_offsets_point_into_title_line_break_and_body(english):
    title, body = "Acme in the news", "Yesterday an Acme charger caught fire in Lyon."
    [fire] = [f for f in english.read(Document(title, body), Passages(title, body)) if f.name == "fire"]
    assert f"{title}\n{body}"[fire.start : fire.end] == fire.words == "caught fire"


def test_near_does_not_reach_over_a_sentence_end(english):
    assert "injury" not in {flag.name for flag in raised(english, "The brakes burned. My daughter laughed.")}
    assert "injury" in {flag.name for flag in raised(english, "The brakes burned my daughter.")}


def test_typographic_apostrophes_accents_and_case_do_not_matter(english, french):
    assert "failure_words" in {flag.name for flag in raised(english, "IT DOESN’T WORK")}
    assert "injury" in {flag.name for flag in raised(french, "LE PRODUIT A BLESSE MA FILLE")}


WORDS = st.sampled_from(["bad", "poor", "service", "support", "the", "very", "staff", "rude"])
PATTERNS = [
    '(bad OR poor OR "very rude") NEAR/2 (service OR support OR "the staff")',
    '(bad OR poor) ONEAR/1 (service OR "the staff")',
    "bad NEAR/0 service",
    "bad NEAR/3 (bad OR poor)",
]


@pytest.mark.parametrize("pattern", PATTERNS)
@given(words=st.lists(WORDS, max_size=25))
def test_the_quick_search_for_word_pairs_finds_what_near_finds(pattern, words):
    clause = parse(pattern).root
    assert isinstance(clause, Near)
    field = Field("body", " ".join(words))
    expected = {(hit.first, hit.last) for hit in clause.find(field)}
    found = list(finder(clause).runs(Stream(field)))
    assert set(found) == expected
    assert len(found) == len(expected)


# ---------------------------------------------------------------------------------------------- files with mistakes

GOOD = """\
language: en
rules:
  - id: own-myth
    flag: known_myth
    severity: 0.4
    pattern: '"palm oil" OR (secret NEAR/3 recipe)'
    unless: '"palm oil free"'
    must: [They use palm oil]
    must_not: [Our bread is palm oil free]
"""


def faults(text):
    with pytest.raises(InvalidFile) as refused:
        parse_lexicon(text, "own.yaml")
    return {(fault.line, fault.message) for fault in refused.value.faults}


def test_an_organisation_can_add_rules_of_its_own(tmp_path):
    path = tmp_path / "own.yaml"
    path.write_text(GOOD, encoding="utf-8")
    reader = FlagReader([load_lexicon(path)])
    assert [flag.rule_id for flag in raised(reader, "Is it true that you use palm oil")] == ["own-myth"]
    assert raised(reader, "palm oil free since 2020") == ()


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("They use palm oil", "They use butter", 8, "rule “own-myth” must match “They use butter” and does not"),
        (
            "palm oil free]",
            "we love palm oil]",
            9,
            "rule “own-myth” must not match “Our bread is we love palm oil” and does",
        ),
        ("known_myth", "known_mith", 4, "unknown flag “known_mith”"),
        ("0.4", "1.4", 5, "severity 1.4 is not between 0 and 1"),
        ("0.4", "high", 5, "this must be a number from 0 to 1"),
        ("severity", "weight", 5, "unknown key “weight”"),
        ("    must_not: [Our bread is palm oil free]\n", "", 3, "“must_not” is missing"),
        ("NEAR/3", "NEAR", 6, "pattern, character 22 (“NEAR recipe)”): near_needs_n"),
        ('"palm oil" OR', '"palm oil" AND', 6, "a pattern finds places: AND and NOT have none"),
        ("[They use palm oil]", "[]", 8, "give at least one example"),
        ("language: en\n", "", 1, "“language” is missing"),
    ],
)
def test_a_mistake_is_refused_with_its_line(old, new, line, message):
    assert (line, message) in faults(GOOD.replace(old, new))


def test_all_mistakes_of_a_file_are_reported_at_once():
    text = GOOD.replace("known_myth", "nonsense").replace("0.4", "9")
    assert len(faults(text)) == 2


def test_a_rule_id_may_stand_once():
    rule = GOOD.split("rules:\n")[1]
    assert (10, "two rules have the id “own-myth”") in faults(GOOD + rule)


@pytest.mark.parametrize(
    "text", ["", "rules: [", "language: en\nrules: {}", "- a\n- b", "language: en\nrules: [1]", "a: &a [*a]"]
)
def test_what_is_no_lexicon_is_refused_and_nothing_else_is_raised(text):
    assert faults(text)


def test_column_and_path_are_clickable():
    with pytest.raises(InvalidFile, match=r"^own\.yaml:4:11: unknown flag"):
        parse_lexicon(GOOD.replace("known_myth", "x"), "own.yaml")


def test_a_language_without_a_lexicon_says_so():
    with pytest.raises(FileNotFoundError):
        shipped_lexicon("xx")


@pytest.mark.parametrize("language", ["en", "fr"])
def test_every_example_of_a_shipped_lexicon_holds(language):
    text = resources.files("triage.language").joinpath(f"lexicons/{language}.yaml").read_text(encoding="utf-8")
    assert len(parse_lexicon(text, language).rules) > 30
