"""Licences by the names that sources give them, and what they allow.

What a source says is recorded; nothing is decided that a court would.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

SHAREABLE = ("cc0", "public-domain", "cc-by", "cc-by-sa")
"""Licences under which pictures may be passed on, resized ones too, and be trained with, for any purpose.

Not those that forbid commerce (NC) or changes (ND), for a resized copy is a changed one; not those whose text has to go
with each copy (GFDL, FAL) or that are a museum's own words ("No restrictions"). Those are allowed by name.
"""

PUBLIC_DOMAIN = "LicenseRef-PublicDomain"
"""SPDX has no name for what is in the public domain."""

FAMILIES: Mapping[str, str] = {
    "cc0": "CC0",
    "public-domain": "public domain, whether by age or by a mark",
    "cc-by": "Creative Commons Attribution",
    "cc-by-sa": "Attribution, ShareAlike",
    "cc-by-nc": "Attribution, NonCommercial",
    "cc-by-nd": "Attribution, NoDerivatives",
    "cc-by-nc-sa": "Attribution, NonCommercial, ShareAlike",
    "cc-by-nc-nd": "Attribution, NonCommercial, NoDerivatives",
    "gfdl": "GNU Free Documentation License",
    "fal": "Free Art License",
    "ogl": "Open Government Licence",
    "attribution": "any use with the author's name",
    "no-restrictions": "no known restrictions, as museums say it on Flickr Commons",
}
"""Words for licences of all versions, as `licenses` in a problem file takes them."""

_SITE = "https://creativecommons.org"
_CC0_URL = f"{_SITE}/publicdomain/zero/1.0/"
_MARK_URL = f"{_SITE}/publicdomain/mark/1.0/"
_CC_NAME = re.compile(
    r"CC[- ](?P<kind>BY(?:-NC)?(?:-SA|-ND)?)[- ](?P<version>\d\.\d)(?:[- ](?P<port>[a-z]{2,4}(?:-[a-z]+)?))?",
    re.IGNORECASE | re.ASCII,
)
_CC_URL = re.compile(
    r"https?://(?:www\.)?creativecommons\.org/licenses/(?P<kind>[a-z-]+)/(?P<version>\d\.\d)"
    r"(?:/(?P<port>[a-z]{2,4}))?(?:/(?:deed|legalcode)[^/]*)?/?",
    re.ASCII,
)
_CC0_NAMES = re.compile(r"CC0(?:[- ]1\.0)?|CC[- ]Zero", re.IGNORECASE)
_PUBLIC_DOMAIN_NAMES = re.compile(r"Public[- ]domain(?:[- ]mark(?:[- ]1\.0)?)?|PDM?(?:[- ]1\.0)?", re.IGNORECASE)
_PORTS_OF_SPDX = frozenset(
    {
        "CC-BY-2.5-AU", "CC-BY-3.0-AT", "CC-BY-3.0-AU", "CC-BY-3.0-DE", "CC-BY-3.0-IGO", "CC-BY-3.0-NL", "CC-BY-3.0-US",
        "CC-BY-SA-2.0-UK", "CC-BY-SA-2.1-JP", "CC-BY-SA-3.0-AT", "CC-BY-SA-3.0-DE", "CC-BY-SA-3.0-IGO",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class License:
    """A licence.

    Attributes:
        id: of SPDX where it has one, else `LicenseRef-` and a name.
        family: one of `FAMILIES`; empty where it is none of them.
        version: such as 4.0; empty where it has none.
        url: of its text; empty where nobody says.
    """

    id: str
    family: str
    version: str = ""
    url: str = ""


def parse_license(name: str, code: str = "", url: str = "") -> License | None:
    """The licence that a source names in words; None where it names none, or where name, code and address disagree.

    Args:
        name: such as `CC BY-SA 3.0 de` or `Public domain`.
        code: what a machine reads, such as `cc-by-sa-3.0-de`, where there is one.
        url: where its text is, where that is said.
    """
    found = _named(name.strip(), url.strip())
    if found is None or not _agrees(found, code.strip().lower(), url.strip()):
        return None
    return found


def creative_commons(kind: str, version: str) -> License | None:
    """A licence by the short name of an API, such as `by-sa`; None if it is no such name."""
    words = {"cc0": "CC0", "pdm": "Public domain"}.get(kind, f"CC {kind} {version}")
    found = _named(words, "")
    return found if found and found.family else None


def family_of(license_id: str) -> str:
    """The family of what `License.id` is; empty if it is none that we know."""
    if license_id == PUBLIC_DOMAIN:
        return "public-domain"
    name = license_id.removeprefix("LicenseRef-").lower()
    # Creative Commons without a version says nothing: its terms differ between them.
    matching = [family for family in FAMILIES if re.match(rf"{family}-\d", name)]
    return matching[0] if matching else name if name in FAMILIES and not name.startswith("cc-") else ""


def is_shareable(license_id: str) -> bool:
    """Whether pictures under this licence may be passed on."""
    return family_of(license_id) in SHAREABLE


def _named(name: str, url: str) -> License | None:
    if not name:
        return None
    if _CC0_NAMES.fullmatch(name):
        return License("CC0-1.0", "cc0", "1.0", _CC0_URL)
    if _PUBLIC_DOMAIN_NAMES.fullmatch(name):
        return License(PUBLIC_DOMAIN, "public-domain", "", _MARK_URL)
    if match := _CC_NAME.fullmatch(name):
        return _creative_commons(match)
    slug = re.sub(r"[^A-Za-z0-9.]+", "-", name).strip("-")
    license_id = f"LicenseRef-{slug[:60]}"
    is_address = url.startswith(("https://", "http://"))
    return License(license_id, family_of(license_id), "", url if is_address else "") if slug else None


def _creative_commons(match: re.Match[str]) -> License | None:
    kind, version, port = match["kind"].lower(), match["version"], (match["port"] or "").lower()
    family = f"cc-{kind}"
    if family not in FAMILIES:
        return None
    spdx = "-".join(filter(None, (family.upper(), version, port.upper())))
    known = not port or spdx in _PORTS_OF_SPDX
    address = "/".join(filter(None, (_SITE, "licenses", kind, version, port)))
    return License(spdx if known else f"LicenseRef-{spdx}", family, version, f"{address}/")


def _agrees(found: License, code: str, url: str) -> bool:
    if code in ("pd", "cc-pd") or code.startswith("pd-"):
        code = "public domain"
    by_code = _named(code, "") if code else None
    if by_code is not None and (by_code.family, by_code.version) != (found.family, found.version):
        return False
    match = _CC_URL.fullmatch(url)
    return match is None or (f"cc-{match['kind']}", match["version"]) == (found.family, found.version)
