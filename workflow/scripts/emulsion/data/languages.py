"""Which language a text is in, guessed from its script and its most frequent words; for people to look at."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

# The most frequent words that few other of these languages have.
_WORDS = {
    "English": "the of and to in that is was for with his he it as at by which have from not",
    "German": "der die und das den von zu mit sich des auf ist nicht eine dem auch als wie werden",
    "French": "le les des et du une est que dans pour qui pas sur au plus ne se par avec ce",
    "Spanish": "el los las de que y en un por con para una su al lo como más pero sus del",
    "Portuguese": "o os as de que e em um por com para uma não do da no na ao mais dos",
    "Italian": "il di che e la per un è con del una in non della sono dei si gli come da",
    "Dutch": "de het een van en in dat op te met voor zijn niet aan er om ook als bij maar",
    "Swedish": "och att det som en på är av för med till den inte har de ett om men var jag",
    "Polish": "w i na z się nie do że jest to o jak za po ale co od przez czy dla",
    "Turkish": "bir ve bu için ile da de çok olarak daha gibi olan ne kadar sonra en var o ise ya",
    "Finnish": "ja on ei että se oli hän mutta ovat kun niin joka myös mitä sen tai jos kuin ole olla",
    "Latin": "et in est non ad ut cum quod qui sed ex quae si per de esse aut sunt enim nec",
}
_FREQUENT = {language: frozenset(words.split()) for language, words in _WORDS.items()}
_SCRIPTS = {
    "HIRAGANA": "Japanese",
    "KATAKANA": "Japanese",
    "HANGUL": "Korean",
    "CJK": "Chinese",
    "CYRILLIC": "Cyrillic script",
    "ARABIC": "Arabic script",
    "HEBREW": "Hebrew",
    "GREEK": "Greek",
    "DEVANAGARI": "Devanagari script",
    "THAI": "Thai",
}
_KANA = 0.05  # of the letters, from which Chinese characters are Japanese
# Of the words that a language's frequent words are at least, and by how much it leads.
_LEAST, _LEAD = 0.08, 1.2
_SAMPLE = 100_000


def language_of(text: str) -> str:
    """The name of the language or script; "not told" for too little text, code, tables and other languages."""
    sample = text[:_SAMPLE]
    letters = [letter for letter in sample[:10_000] if letter.isalpha()]
    if not letters:
        return "not told"
    scripts = Counter(unicodedata.name(letter, "?").partition(" ")[0] for letter in letters)
    named = {script: count for script, count in scripts.items() if script in _SCRIPTS}
    if sum(named.values()) > len(letters) / 2:
        kana = (named.get("HIRAGANA", 0) + named.get("KATAKANA", 0)) / len(letters)
        return "Japanese" if kana > _KANA else _SCRIPTS[max(named, key=lambda script: named[script])]
    words = Counter(re.findall(r"[^\W\d_]+", sample.lower()))
    total = sum(words.values())
    shares = {
        language: sum(words[word] for word in frequent) / total for language, frequent in _FREQUENT.items() if total
    }
    (first, most), (_, second) = sorted(shares.items(), key=lambda item: -item[1])[:2]
    return first if most >= _LEAST and most >= _LEAD * second else "not told"
