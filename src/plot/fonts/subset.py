"""Makes the two fonts of this folder from IBM Plex Sans (see README.md).

    python3 subset.py FOLDER_WITH_IBMPlexSans-Regular.woff

Needs fonttools (made with 4.68.0). The result is renamed, since the OFL reserves the name "Plex".
"""

import sys

from fontTools import subset
from fontTools.ttLib import TTFont

UNICODES = subset.parse_unicodes(
    "U+0020-007E,U+00A0-017F,U+0192,U+0218-021B,U+02C6-02C7,U+02D8-02DD,U+0300-0304,U+0306-030C,"
    "U+0326-0328,U+0384-03CE,U+0400-045F,U+0490-0491,U+1E80-1E85,U+1E9E,U+1EF2-1EF3,U+2002-200B,"
    "U+2010-2015,U+2018-201E,U+2020-2022,U+2026,U+202F,U+2030,U+2032-2033,U+2039-203A,U+2044,"
    "U+2070,U+2074-207A,U+2080-2089,U+20AC,U+2116,U+2122,U+2126,U+2190-2199,U+2202,U+2206,"
    "U+220F,U+2211-2212,U+2215,U+221A,U+221E,U+222B,U+2248,U+2260,U+2264-2265,U+2713,U+FFFD"
)
FAMILY = "Routecal Sans"
COPYRIGHT = 'Copyright 2017 IBM Corp. with Reserved Font Name "Plex". Subset and renamed.'
LICENCE = "This Font Software is licensed under the SIL Open Font License, Version 1.1."

for name, weight in (("Regular", 400), ("SemiBold", 600)):
    font = TTFont(f"{sys.argv[1]}/IBMPlexSans-{name}.woff", recalcTimestamp=False)
    font.flavor = None
    options = subset.Options()
    options.hinting = False
    options.layout_features = ["kern", "mark", "mkmk", "ccmp", "locl"]
    options.notdef_outline = True
    options.name_IDs = ["*"]
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=UNICODES)
    subsetter.subset(font)
    records = {
        0: COPYRIGHT,
        1: FAMILY if weight == 400 else f"{FAMILY} {name}",
        2: "Regular",
        3: f"RoutecalSans-{name}",
        4: f"{FAMILY} {name}",
        5: str(font["name"].getName(5, 3, 1, 0x409)),
        6: f"RoutecalSans-{name}",
        13: LICENCE,
        14: "https://openfontlicense.org",
        16: FAMILY,
        17: name,
    }
    font["name"].names = []
    for identifier, text in records.items():
        font["name"].setName(text, identifier, 3, 1, 0x409)
    font["OS/2"].usWeightClass = weight
    font.save(f"RoutecalSans-{name}.ttf")
