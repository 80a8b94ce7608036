"""Which small words give a language away, without any model?

A text of a few words is too short for a statistical detector, yet "je", "est" and "pas", or "is", "the" and "my",
settle it. The lists are our own, lower-case and without accents (as `fold` leaves them); a word that stands in two
lists is evidence for neither. English and French are long because text in them is scored; the others are there so that
a foreign text is not mistaken for one of the two. `hi` is romanised Hindi, which is often mixed with English.
"""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from typing import Final

# In apostrophe languages the part before the apostrophe counts as a word: "I'm" -> i, m; "c'est" -> c, est.
FUNCTION_WORDS: Final[dict[str, str]] = {
    "en": """
        i m im ive id ill you your yours youre we our ours us they their theirs them he his him she her hers it its my
        mine myself the an this that these those there here who whose whom what when where why which how is isn isnt
        are aren arent was wasn wasnt were weren werent be been being am has hasn hasnt have haven havent had having
        do don dont does doesn doesnt did didn didnt doing done can cannot cant could couldn couldnt will wont would
        wouldn wouldnt should shouldn shouldnt might must shall and but or nor if because while though although until
        since of to at by for with without about against between into through during before after above below from up
        behind beside along inside across towards within near
        down out off over under again then once not no only just very too so than such own same more most other
        another some any every each both few all much many nothing something anything everything everyone someone
        anyone nobody still never always ever already yet also even now today yesterday tomorrow tonight yes please
        thanks thank hello hi hey love loving loved like hate hated want need know think got get getting gets goes
        going gone went make made makes take took taken give gave say said says tell told ask asked come came look
        work works working worked broken wrong good great bad worse worst better best awful terrible horrible amazing
        awesome happy nice cool well really maybe sorry wow way back days hours minutes week weeks years people one
        two first last new old day time lol omg wtf help with
    """,
    "fr": """
        je j tu il elle nous vous ils elles moi toi lui leur leurs mon ma mes ton ta tes notre nos votre vos le la les
        l un une des du de d au aux ce c cet cette ces ca cela ceci qui que qu quoi dont ou quand comment pourquoi
        combien quel quelle quels quelles est es suis sommes etes sont etait etaient etre ete sera seront serait ai as
        a avons avez ont avait avaient avoir eu aura fait faire fais faites font peut peux pouvez pouvoir veux veut
        voulez vouloir dois doit devez faut va vas vais allez aller vont n ne pas plus jamais rien personne aucun
        aucune et mais donc car si parce puisque lorsque depuis pendant avant apres avec sans sous sur dans chez entre
        vers par pour contre selon tres trop assez bien mal encore toujours deja aussi meme tout toute tous toutes
        autre autres chaque quelque quelques plusieurs beaucoup peu oui non merci bonjour bonsoir svp stp aujourd hui
        hier demain maintenant alors ici voila y en honte nul nulle arnaque remboursement
    """,
    "de": """
        ich du er sie wir ihr es mich dich uns euch mir dir ihm ihnen mein dein sein unser euer der die das den dem
        des ein eine einen einem einer kein keine ist bin bist sind seid war waren wird werden wurde wurden hat habe
        haben hatte kann kannst konnen muss mussen soll will wollen nicht auch noch nur schon sehr so wie als wenn
        weil dass ob und oder aber denn mit ohne fur von zu zum zur bei nach aus auf uber unter vor hinter zwischen
        gegen durch um an am im ins was wer wo wann warum welche immer wieder mal ja nein danke bitte hier heute
        gestern morgen jetzt alles nichts mehr viel gut schlecht leider gibt geht macht
    """,
    "es": """
        yo tu el ella nosotros ellos ellas mi mis tus su sus nuestro nuestra lo la los las un una unos unas de del al
        en y e o u pero si no que quien cual cuando donde como porque por para con sin sobre entre hasta desde es soy
        eres somos son era fue ser estar esta estoy estas estan he has ha hemos han hay tiene tengo hace hacer puede
        puedo quiero muy mas menos tambien ya nunca siempre todo todos toda nada algo este estos esto eso ese gracias
        hola hoy ayer manana ahora aqui me te se le les nos pues mejor peor bueno malo
    """,
    "it": """
        io tu lui lei noi voi loro mio mia tuo suo sua nostro il lo la gli le un uno una di del della dei delle degli
        dal dalla nel nella nei sul sulla al alla ai agli alle e o ma se che chi cosa quando dove come perche per con
        senza su tra fra da in sono sei siamo siete era erano essere stato ho hai ha abbiamo avete hanno avere fa fare
        puo posso voglio non piu anche ancora gia mai sempre molto poco tutto tutti niente qualcosa questo questa
        questi quello quella grazie ciao oggi ieri domani ora qui mi ti si ci vi ne cosi solo dopo prima
    """,
    "pt": """
        eu tu ele ela nos voce voces eles elas meu minha seu sua nosso nossa o a os as um uma uns umas de do da dos
        das no na nos nas em ao aos e ou mas se que quem qual quando onde como porque por para pra pro com sem sobre
        entre ate desde sou es somos sao era foi ser estar esta estou tem tenho ter ha faz fazer pode posso quero nao
        muito mais menos tambem ja nunca sempre tudo todos nada isso isto esse este essa obrigado obrigada oi ola hoje
        ontem amanha agora aqui me te lhe bom boa ruim so vai vou
    """,
    "nl": """
        ik jij je hij zij wij jullie ze mijn jouw zijn haar ons onze hun de het een der des dit dat deze die is ben
        bent was waren wordt worden werd heb hebt heeft hebben had kan kunnen moet moeten zal zullen wil willen niet
        geen ook nog maar al heel zo als wanneer omdat en of want met zonder voor van naar bij uit op over onder
        tussen tegen door om aan in wat wie waar hoe waarom altijd nooit weer eens ja nee dank bedankt hier vandaag
        gisteren morgen nu alles niets meer veel goed slecht
    """,
    "hi": """
        hai hain hoon tha thi ka ki ke ko se mein nahi nahin bhi aur kya kyun kyu kab kaise yeh ye woh wo ho hota hoga
        hogi kar karo karna karte raha rahe rahi gaya gaye gayi toh par pe apna apne aap tum hum mera meri mere tera
        tere uska unka iska sab kuch bahut bhut accha acha bhai yaar ji wala wale abhi jab tak phir
    """,
}


@lru_cache(maxsize=1)
def _exclusive() -> dict[str, str]:
    """Word -> the one language whose list holds it."""
    lists = {language: set(words.split()) for language, words in FUNCTION_WORDS.items()}
    seen = Counter(word for words in lists.values() for word in words)
    return {word: language for language, words in lists.items() for word in words if seen[word] == 1}


def evidence(words: set[str]) -> Counter[str]:
    """Count the telling words of each language among folded `words`; a language without any is absent."""
    telling = _exclusive()
    return Counter([telling[word] for word in words if word in telling])
