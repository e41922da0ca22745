"""What stands between ideal volts and amperes and the numbers a meter gets: CTs, converters, their errors."""

from watthour.waveform.front_end.digitising import channel_factors, digitise
from watthour.waveform.front_end.parts import CtPoint, CurrentTransformer, FrontEnd, full_scale
from watthour.waveform.front_end.presets import CT_CLASSES, FRONT_ENDS, ct_class, front_end

__all__ = [
    "CT_CLASSES",
    "FRONT_ENDS",
    "CtPoint",
    "CurrentTransformer",
    "FrontEnd",
    "channel_factors",
    "ct_class",
    "digitise",
    "front_end",
    "full_scale",
]
