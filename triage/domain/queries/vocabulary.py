"""Which words occur in so many texts that they tell little?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

SHORT: Final = 3  # letters up to which a single word is likely to mean something else as well

_ENGLISH_AND_FRENCH: Final = """
    a about after all also am an and any are as at back be because been before best better big but buy by call can
    case come could customer customers day days do does down even every find first for free from get give go good great
    had has have he help her here him his home hope how i if in into is it its job jobs just know last life like live
    look made make man many may me more most much my need new news next no not now of off on one only open or orange
    other our out over own part people phone post price real right said sale save say see service she shop should so
    some still store take tell than thank thanks that the their them then there these they thing think this time to
    today two union united up us use very via want was water way we week well were what when where which who why will
    with work world would year years you your
    au aux avec beaucoup bien bon ce ces cette chez comme dans de des deux du elle en encore est et etre faire fait il
    ils je jour la le les leur lui ma mais me mes mon meme monde ne nos notre nous nouveau on ont ou par pas plus pour
    pourquoi prix qu que qui sa sans se ses service si son sont sur ta te tes ton tous tout tres tu un une va vie vos
    votre vous y
"""

COMMON_WORDS: Final = frozenset(_ENGLISH_AND_FRENCH.split())

_COMMON_COST: Final = 1_000
_SHORT_COST: Final = 20


def anchor_cost(anchors: Iterable[str]) -> int:
    """Return a rough measure of how many texts contain one of some literals: more for common and for short words."""
    return sum(_cost(anchor.strip()) for anchor in anchors)


def _cost(literal: str) -> int:
    if literal in COMMON_WORDS:
        return _COMMON_COST
    return _SHORT_COST if len(literal) <= SHORT else 1
