"""Which browser windows are private: what tells it, and the words for it. Pure.

How a private window is told differs by family, and so does what happens if it cannot be told:

- *titled* (Firefox and what is made of it): the title of an ordinary window ends with the
  browser's own name and nothing after it, in every language. Anything else is closed.
- *named* (Chromium, Chrome, Edge, Brave, Opera, Vivaldi): on X11 the title of a private window
  looks like any other. Only the name it gives to accessibility tells. Without it: closed.
- *always* (Tor, Mullvad): every window is private.
- *untold* (all others): nothing tells, so they are closed.

So no list of languages has to be complete: the words below only find a private window earlier and
say the reason. A title is looked at inside these functions and is gone when they return.
"""

import re
from enum import Enum, auto
from fnmatch import fnmatchcase


class Family(Enum):
    """What tells a private window of a browser."""

    NONE = auto()
    TITLED = auto()
    NAMED = auto()
    ALWAYS = auto()
    UNTOLD = auto()


# Patterns of WM_CLASS in lower case, also as Flatpak and Snap name them; the first match decides.
_FAMILIES = (
    (Family.ALWAYS, "tor browser*", "tor-browser*", "torbrowser*", "*mullvad*browser*"),
    (Family.TITLED, "*firefox*", "*librewolf*", "*waterfox*", "*floorp*", "zen", "zen-*", "zen_*",
     "*icecat*", "*iceweasel*", "abrowser*", "navigator", "*one.ablaze.floorp*"),
    (Family.NAMED, "*chromium*", "*chrome*", "*brave*", "*microsoft*edge*", "*msedge*",
     "*vivaldi*", "opera*", "*com.opera*", "*yandex*browser*", "*thorium*browser*", "crx_*"),
    (Family.UNTOLD, "*epiphany*", "org.gnome.web*", "falkon*", "*konqueror*", "*qutebrowser*",
     "*midori*", "safari", "arc", "iexplore", "*palemoon*", "pale moon", "seamonkey*", "*basilisk*",
     "min", "*nyxt*", "luakit", "surf", "dillo", "netsurf*", "*angelfish*", "*browser"),
)  # fmt: skip

_BRANDS = {
    Family.TITLED: (
        "mozilla firefox", "firefox", "firefox developer edition", "firefox nightly", "nightly",
        "mozilla firefox beta", "firefox beta", "librewolf", "waterfox", "ablaze floorp", "floorp",
        "zen browser", "gnu icecat", "icecat", "iceweasel", "abrowser",
    ),
    Family.NAMED: (
        "chromium", "google chrome", "google chrome beta", "google chrome dev", "brave",
        "brave browser", "microsoft edge", "microsoft edge beta", "microsoft edge dev", "vivaldi",
        "opera", "yandex browser", "thorium",
    ),
}  # fmt: skip

# How browsers mark private and guest windows, by language; first Firefox, then Chromium.
MARKERS = {
    "en": ("private browsing", "incognito", "inprivate", "(private)", "private with tor",
           "(guest)"),
    "ar": ("التصفح الخاص", "تصفّح خاص", "التصفح المتخفي", "وضع الضيف"),
    "be": ("прыватнае агляданне",),
    "bg": ("поверително разглеждане", "поверително сърфиране", "инкогнито"),
    "bn": ("ব্যক্তিগত ব্রাউজিং", "ছদ্মবেশী"),
    "ca": ("navegació privada", "incògnit"),
    "cs": ("anonymní prohlížení", "anonymní režim", "anonymní"),
    "da": ("privat browsing", "inkognito"),
    "de": ("privater modus", "privates fenster", "inkognito", "(privat)"),
    "el": ("ιδιωτική περιήγηση", "ανώνυμη περιήγηση"),
    "es": ("navegación privada", "incógnito", "(privado)", "(privada)"),
    "et": ("privaatne veebilehitsemine", "inkognito"),
    "eu": ("nabigatze pribatua",),
    "fa": ("مرور خصوصی", "ناشناس"),
    "fi": ("yksityinen selaus", "yksityinen selaaminen", "incognito"),
    "fr": ("navigation privée", "(privé)"),
    "gl": ("navegación privada",),
    "he": ("גלישה פרטית", "גלישה בסתר"),
    "hi": ("निजी ब्राउज़िंग", "गुप्त"),
    "hr": ("privatno pretraživanje", "privatno surfanje", "anonimno"),
    "hu": ("privát böngészés", "inkognitó"),
    "id": ("penjelajahan pribadi", "samaran"),
    "is": ("huliðsvafur",),
    "it": ("navigazione anonima", "navigazione in incognito", "in incognito", "(privata)"),
    "ja": ("プライベートブラウジング", "プライベート ブラウジング", "シークレット", "プライベート"),
    "kk": ("жекелік шолу режимі",),
    "ko": ("사생활 보호 모드", "시크릿 모드", "시크릿"),
    "lt": ("privatusis naršymas", "inkognito"),
    "lv": ("privātā pārlūkošana", "inkognito režīms"),
    "ms": ("pelayaran peribadi", "samaran", "inkognito"),
    "nb": ("privat nettlesing", "inkognito"),
    "nl": ("privénavigatie", "private modus", "incognito"),
    "pl": ("tryb prywatny", "przeglądanie prywatne", "incognito"),
    "pt-BR": ("navegação privativa", "modo anônimo", "navegação anônima", "anônima"),
    "pt-PT": ("navegação privada", "navegação anónima", "incógnito"),
    "ro": ("navigare privată", "incognito"),
    "ru": ("приватный просмотр", "приватный режим", "инкогнито"),
    "sk": ("súkromné prehliadanie", "inkognito", "režim inkognito"),
    "sl": ("zasebno brskanje", "anonimni način"),
    "sr": ("приватно прегледање", "privatno pregledanje", "без архивирања"),
    "sv": ("privat surfning", "inkognito"),
    "tg": ("тамошокунии хусусии", "тамошокунии махфӣ"),
    "th": ("การท่องเว็บแบบส่วนตัว", "โหมดไม่ระบุตัวตน"),
    "tr": ("gizli gezinti", "gizli mod", "(gizli)"),
    "uk": ("приватний перегляд", "анонімний перегляд", "анонімного перегляду"),
    "vi": ("duyệt web riêng tư", "duyệt riêng tư", "ẩn danh"),
    "zh-CN": ("隐私浏览", "无痕", "隐身模式"),
    "zh-TW": ("隱私瀏覽", "無痕模式", "無痕"),
}  # fmt: skip

_WORDS = tuple(sorted({word.casefold() for words in MARKERS.values() for word in words}))
_SEPARATOR = re.compile(r"\s+[-\u2013\u2014]\s+")
_BRACKETS = ("(", "[", "\uff08", "\u3010")
_INVISIBLE = dict.fromkeys((0x200B, 0x200E, 0x200F, 0x202A, 0x202B, 0x202C, 0x2068, 0x2069))


def family_of(names: tuple[str, ...]) -> Family:
    """Return what tells a private window of the program with these lower-case names."""
    for family, *patterns in _FAMILIES:
        if any(fnmatchcase(name, pattern) for name in names for pattern in patterns):
            return family
    return Family.NONE


def private_by_title(family: Family, title: str | None) -> bool | None:
    """Return whether a window is private as far as its title tells, None if that is not known."""
    if family in (Family.NONE, Family.ALWAYS):
        return family is Family.ALWAYS
    if title is None:
        return None
    segments = _segments(title)
    if _marked(segments):
        return True
    if family is Family.TITLED and segments[-1] in _BRANDS[family]:
        return False
    return None


def private_by_name(name: str) -> bool | None:
    """Return whether a *named* browser's window is private, by the name accessibility gives it."""
    segments = _segments(name)
    if _marked(segments):
        return True
    brands = _BRANDS[Family.NAMED]
    if segments[-1] in brands:
        return False
    # A profile's own name may follow. But the last part may also be the browser's name with a
    # word that we do not know, behind a page that is called like a browser: then nothing is known.
    profile = len(segments) > 1 and segments[-2] in brands
    told = not any(word in segments[-1] for word in (*brands, *_BRACKETS))
    return False if profile and told else None


def _segments(title: str) -> list[str]:
    return _SEPARATOR.split(title.translate(_INVISIBLE).casefold().strip())


def _marked(segments: list[str]) -> bool:
    """Whether a word for private stands where a browser, and not the page, puts it."""
    ends = (*segments[-2:], segments[0])
    return any(word in end for end in ends for word in _WORDS)
