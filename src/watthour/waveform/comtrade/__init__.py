"""COMTRADE recordings (IEEE C37.111-1991, -1999, -2013; IEC 60255-24): headers and samples, decoded from open binary objects."""

from watthour.waveform.comtrade.configuration import Configuration, read_configuration
from watthour.waveform.comtrade.samples import Data, chunks_of, open_data
from watthour.waveform.comtrade.sections import Sections, read_sections

__all__ = ["Configuration", "Data", "Sections", "chunks_of", "open_data", "read_configuration", "read_sections"]
