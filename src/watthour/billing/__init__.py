"""From quarter-hours to an invoice: billing quantities, dated prices, lines rounded as the trade does, and the verdict on a bill.

Everything is exact until a line becomes cents. Nothing here reads a file or a clock.
"""

from watthour.billing.bill import bill, bill_intervals, metered_of
from watthour.billing.charges import Charge
from watthour.billing.contract import Contract
from watthour.billing.dated import Dated, DatedTable
from watthour.billing.intervals import Intervals, Quality, intervals_from
from watthour.billing.lines import Bill, Line
from watthour.billing.metered import FromIntervals, FromPrint, Metered
from watthour.billing.metering import Combination, Instrument, Metering
from watthour.billing.money import to_cents, written
from watthour.billing.usage import Usage, usage_of

__all__ = [
    "Bill",
    "Charge",
    "Combination",
    "Contract",
    "Dated",
    "DatedTable",
    "FromIntervals",
    "FromPrint",
    "Instrument",
    "Intervals",
    "Line",
    "Metered",
    "Metering",
    "Quality",
    "Usage",
    "bill",
    "bill_intervals",
    "intervals_from",
    "metered_of",
    "to_cents",
    "usage_of",
    "written",
]
