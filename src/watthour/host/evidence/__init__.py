"""What a data directory proves: its events told, and all of it checked. It only reads, also beside a meter that runs."""

from watthour.host.evidence.checking import faults_of, wanted_anchor
from watthour.host.evidence.files import MeterFiles, read_meters
from watthour.host.evidence.log import entries_of, entry_line, entry_record, head_of

__all__ = ["MeterFiles", "entries_of", "entry_line", "entry_record", "faults_of", "head_of", "read_meters", "wanted_anchor"]
