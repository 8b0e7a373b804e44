"""The whole pipeline once more, slow and obviously right: a file of clicks in, every result out.

Written from the specification in plain Python, and imports nothing of footfall, so that a mistake there is not
repeated here. ``Reference`` is the pipeline; the other modules are its parts, one rule of the specification each.
"""

from tests.reference.model import BadRow, Click, Figures, Offer, Result, Session
from tests.reference.pipeline import Reference, reference, reference_of_clicks

__all__ = [
    "BadRow",
    "Click",
    "Figures",
    "Offer",
    "Reference",
    "Result",
    "Session",
    "reference",
    "reference_of_clicks",
]
