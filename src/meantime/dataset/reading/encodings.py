"""The encodings that a description may name."""

from __future__ import annotations

import codecs

# By Python's own names. A list of what is allowed, because Python also has codecs that are no encodings of text files:
# some decode names of hosts (idna, punycode) or escapes, one always fails (undefined), others compress (zip, base64).
# Their errors are not those of text, and what they decode may be far larger than the file. The families: Unicode,
# Windows and DOS, ISO 8859, Macintosh, Cyrillic, and those of China, Japan and Korea.
_ALLOWED = frozenset(
    f"""
    ascii utf-7 utf-8 utf-8-sig utf-16 utf-16-le utf-16-be utf-32 utf-32-le utf-32-be
    cp1250 cp1251 cp1252 cp1253 cp1254 cp1255 cp1256 cp1257 cp1258
    cp037 cp273 cp424 cp437 cp500 cp720 cp737 cp775 cp850 cp852 cp855 cp856 cp857 cp858 cp860 cp861 cp862 cp863 cp864
    cp865 cp866 cp869 cp874 cp875 cp932 cp949 cp950 cp1006 cp1026 cp1125 cp1140
    {" ".join(f"iso8859-{part}" for part in range(1, 17))} hp-roman8 tis-620
    mac-cyrillic mac-greek mac-iceland mac-latin2 mac-roman mac-turkish
    koi8-r koi8-t koi8-u kz1048 ptcp154
    big5 big5hkscs gb2312 gbk gb18030 hz euc_jp euc_jis_2004 euc_jisx0213 euc_kr johab
    shift_jis shift_jis_2004 shift_jisx0213
    iso2022_jp iso2022_jp_1 iso2022_jp_2 iso2022_jp_2004 iso2022_jp_3 iso2022_jp_ext iso2022_kr
    """.split()
)


def is_text_encoding(name: str) -> bool:
    """Whether a file may be decoded by this encoding, under any of its names.

    >>> is_text_encoding("Latin-1"), is_text_encoding("idna"), is_text_encoding("klingon")
    (True, False, False)
    """
    try:
        return codecs.lookup(name).name in _ALLOWED
    except (LookupError, ValueError):  # unknown; or no name of anything, such as one with a NUL
        return False
