"""The Modbus register map of the CEM-D311, one row a line, sorted by address.

Two blocks. The **CEM family map** is what the maker publishes for the D311's closest siblings (CEM-C31, and the modules
CEM M-RS485 and CEM M-ETH); no map of the D311 itself is public, so it is labelled unverified. The **watthour block**,
1000h to 1FFFh, is ours and laid out for few, long reads:

- 1000h to 1061h: all that a poller wants each second, without a gap, in one read of 98 registers: one snapshot of one window;
- 1068h to 106Fh: demand; the digital inputs: state and pulses (what the pulses weigh is at 1220h);
- 1100h to 1183h: the energies of the rates T1 to T8 and of the phases L1 to L3;
- 1200h to 121Fh: exact energies in micro-units, which never roll over, and fine cost and CO2 of the partial counter;
- 1300h: commands;
- 1434h, 1600h: the seal, the state of the store, the chain of events;
- 1500h to 1523h: highest demands with their times;
- 1700h: the load profile, three rows at a time from the row that was selected; 1800h: closings, one at a time.
  Their records are laid out in `watthour.maps.records`. What is planned answers like an address that does not exist.
- 1062h to 1067h and 1A00h to 1B56h: THD, crest factors, flags, unbalance, sequences, harmonics. A meter finds them when a
  request covers one of them, and their validity bits, 256 and up, are at 1A00h.

**Null** travels as 0 with the row's validity bit clear; a value beyond its type's range travels as the nearest end of that
range, also with the bit clear. Every row whose value may be null has a bit of its own: bit n is bit n modulo 16 (0 the lowest)
of register 1002h + n/16, from bit 256 on of register 1A00h + n/16 - 16. Settings and identity are never null and have none.
Nothing here answers a request; addresses stand nowhere else.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from types import MappingProxyType

from watthour.maps.register import Access, Bit, BitTable, Register, Status, Type
from watthour.parameters import BAUD_RATES, FRAMINGS, PARAMETER_BY_NAME
from watthour.units import ENERGIES, HARMONIC_ORDERS, PHASES, RATES, VALUE_BY_NAME, exact_name

FAMILY = "CEM family, D311 unverified"
OWN = "watthour"

BLOCK_VERSION = 1
"""Counts the layouts of the watthour block; read at its first register."""

VALIDITY_REGISTERS = 37
FIRST_VALIDITY_REGISTERS = 16
"""Those at 1002h; the others are at 1A00h, before what they tell of."""
VALIDITY_BITS_PER_REGISTER = 16

NOTES = (
    "Addresses are hexadecimal, as sent on the wire, base 0. Values of several registers are big endian, high word first.",
    "Functions 03 and 04 read the same values, 06 and 16 write, 23 writes and reads. A request must cover each variable whole.",
    "Function 02 reads the discrete inputs, 01 the coils; 05 with ON has a command done or selects a rate, with OFF it is exception 03.",
    "A value is the raw integer divided by ten to the power of its decimals; voltages, currents, powers and energies are primary.",
    "Null is sent as 0, and what the type cannot hold as the nearest end of its range, both with the row's validity bit clear.",
    "Validity bit n is bit n modulo 16 (0 the lowest) of register 1002 + n/16, from bit 256 on of 1A00 + n/16 - 16.",
    "Bits of planned rows are clear. Rows with bits from 256 on are found when a request covers one of them.",
    'Block "CEM family, D311 unverified": the map published for the closest siblings; none of the D311 itself is public.',
    "A profile row, 40 registers: start u32 (s since 1970 UTC), number u32, metered u32 (ms), flags u16, rate at its start u16, rates bit mask u16, 0, demand i32 (W), six u64 (µWh, µvarh), 0 x 4.",
    "Flags: 1 power failed, 2 clock set, 4 incomplete, 8 calendar missing. Rates bit mask: bit 0 is T1. A demand that does not exist is -2147483648.",
    "A closing: head is time u32 (s since 1970 UTC), cause u16 (0 calendar, 1 command), flags u16 (2 clock set); energies are six u64 (µWh, µvarh); maxima are nine of demand i64 (µW, -1 none) and end u32 (s).",
    "Planned rows answer like addresses that do not exist (exception 02); addresses of live rows are final.",
)
"""What a reader of the printed map has to know."""

IDENTITY: Mapping[str, str] = MappingProxyType(
    {
        "block_version": "layout of the watthour block",
        "ct_primary": "current transformer, primary",
        "ct_secondary": "current transformer, secondary",
        "event_count": "events so far",
        "event_head": "hash that the chain of events ends with, hexadecimal",
        "finding": "a finding of the wiring diagnosis",
        "firmware_major": "software version, major",
        "firmware_minor": "software version, minor",
        "firmware_revision": "software version, revision",
        "calendar_id": "name of the tariff calendar",
        "close_period": "close the billing period",
        "clock_unix_s": "time of the meter",
        "closing_count": "closings so far",
        "closing_head": "a closing: when and why",
        "closing_maxima": "a closing: its highest demands",
        "closing_oldest": "first closing still held",
        "closing_select": "closing to be shown",
        "closing_total": "a closing: total energies",
        "partial_reset": "begin the partial counters again at 0",
        "profile_count": "rows of the load profile so far",
        "profile_oldest": "first row of the load profile still held",
        "profile_select": "first row of the load profile to be shown",
        "profile_window": "rows of the load profile",
        "rate_select": "rate that the bus selects",
        "software_id": "software identification, hexadecimal",
        "status": "state of the meter",
        "warning": "a standing warning",
        "vt_primary": "voltage transformer, primary",
        "vt_secondary": "voltage transformer, secondary",
        "warnings": "number of standing warnings",
        **{exact_name(energy): "exact energy, total" for energy in ENERGIES},
        **{f"select_{rate}": f"the bus selects rate {rate.upper()}" for rate in RATES},
        **{f"closing_{rate}": f"a closing: energies at rate {rate.upper()}" for rate in RATES},
        **{f"validity_{n}": "which values are valid" for n in range(VALIDITY_REGISTERS)},
    }
)
"""Names on the map that are neither a value of the nomenclature nor a setting: what the meter says of itself."""

_WHOLE = "whole units, decision: the published table prints a decimal for the hours and none here; finer at 1218 and 121C"

_FINDINGS = (
    "bit 0 CT reversed, 1 CTs swapped, 2 CT on wrong phase, 3 CT missing, 4 CT ratio implausible,"
    " 5 voltages swapped, 6 voltages rotated, 7 voltage missing, 8 sequence reversed"
)

_STATUS = (
    "bit 0 standing warning, 1 finding of the diagnosis, 2 storage fault, 3 fresh registers, 4 calendar missing, 5 seal open;"
    " others 0"
)

_cem = partial(Register, block=FAMILY, source="CEM M-RS485, CEM M-ETH and CEM-C31 manuals")
_own = partial(Register, block=OWN, source="ours")
_late = partial(Register, block=OWN, source="ours", late=True)
_plan = partial(Register, block=OWN, source="ours", status=Status.PLANNED)


def _harmonics(address: int, bit: int) -> tuple[Register, ...]:
    """Return the rows of all harmonics from an address and a validity bit on: channel by channel, in order."""
    channels = [(stem, phase) for stem in ("voltage", "current") for phase in PHASES]
    names = [f"{stem}_{phase}_h{h}_percent" for stem, phase in channels for h in HARMONIC_ORDERS]
    return tuple(
        _late(address=address + n, name=name, type=Type.U16, unit="%", decimals=2, bit=bit + n) for n, name in enumerate(names)
    )


REGISTERS: tuple[Register, ...] = (
    _cem(address=0x0000, name="import_wh", type=Type.U32, unit="Wh", bit=0),
    _cem(address=0x0002, name="export_wh", type=Type.U32, unit="Wh", bit=1),
    _cem(address=0x0004, name="q1_varh", type=Type.U32, unit="varh", bit=2),
    _cem(address=0x0006, name="q2_varh", type=Type.U32, unit="varh", bit=3),
    _cem(address=0x0008, name="q3_varh", type=Type.U32, unit="varh", bit=4),
    _cem(address=0x000A, name="q4_varh", type=Type.U32, unit="varh", bit=5),
    _cem(address=0x0030, name="partial_import_wh", type=Type.U32, unit="Wh", bit=6),
    _cem(address=0x0032, name="partial_export_wh", type=Type.U32, unit="Wh", bit=7),
    _cem(address=0x0034, name="partial_q1_varh", type=Type.U32, unit="varh", bit=8),
    _cem(address=0x0036, name="partial_q2_varh", type=Type.U32, unit="varh", bit=9),
    _cem(address=0x0038, name="partial_q3_varh", type=Type.U32, unit="varh", bit=10),
    _cem(address=0x003A, name="partial_q4_varh", type=Type.U32, unit="varh", bit=11),
    _cem(address=0x0050, name="firmware_major", type=Type.U16),
    _cem(address=0x0051, name="firmware_minor", type=Type.U16),
    _cem(address=0x0052, name="firmware_revision", type=Type.U16),
    _cem(address=0x0080, name="pulse_type", type=Type.U16, access=Access.READ_WRITE, status=Status.PLANNED, needs="pulse_outputs", remark="0 active, 1 reactive"),
    _cem(address=0x0081, name="pulse_weight", type=Type.U16, access=Access.READ_WRITE, status=Status.PLANNED, needs="pulse_outputs", remark="Wh or varh per pulse"),
    _cem(address=0x00B0, name="cost_per_kwh", type=Type.U32, unit="1/kWh", decimals=4, access=Access.READ_WRITE),
    _cem(address=0x00B2, name="co2_kg_per_kwh", type=Type.U32, unit="kg/kWh", decimals=4, access=Access.READ_WRITE),
    _cem(address=0x00C0, name="partial_cost", type=Type.U32, bit=12, remark=_WHOLE),
    _cem(address=0x00C2, name="partial_co2_kg", type=Type.U32, unit="kg", bit=13, remark=_WHOLE),
    _cem(address=0x00C4, name="partial_operating_time_h", type=Type.U32, unit="h", decimals=1, bit=14),
    _cem(address=0x00C6, name="operating_time_h", type=Type.U32, unit="h", decimals=1, bit=15),
    _cem(address=0x0100, name="t1_import_wh", type=Type.U32, unit="Wh", bit=16),
    _cem(address=0x0102, name="t1_export_wh", type=Type.U32, unit="Wh", bit=17),
    _cem(address=0x0104, name="t1_q1_varh", type=Type.U32, unit="varh", bit=18),
    _cem(address=0x0106, name="t1_q2_varh", type=Type.U32, unit="varh", bit=19),
    _cem(address=0x0108, name="t1_q3_varh", type=Type.U32, unit="varh", bit=20),
    _cem(address=0x010A, name="t1_q4_varh", type=Type.U32, unit="varh", bit=21),
    _cem(address=0x010C, name="t2_import_wh", type=Type.U32, unit="Wh", bit=22),
    _cem(address=0x010E, name="t2_export_wh", type=Type.U32, unit="Wh", bit=23),
    _cem(address=0x0110, name="t2_q1_varh", type=Type.U32, unit="varh", bit=24),
    _cem(address=0x0112, name="t2_q2_varh", type=Type.U32, unit="varh", bit=25),
    _cem(address=0x0114, name="t2_q3_varh", type=Type.U32, unit="varh", bit=26),
    _cem(address=0x0116, name="t2_q4_varh", type=Type.U32, unit="varh", bit=27),
    _cem(address=0x03E8, name="bus_address", type=Type.U16, access=Access.READ_WRITE, remark="1 to 247; a write is answered from the old address"),
    _cem(address=0x03E9, name="bus_baudrate", type=Type.U16, unit="Bd", access=Access.READ_WRITE, codes=BAUD_RATES, remark="0 9600, 1 19200, 2 38400"),
    _cem(address=0x03EA, name="bus_framing", type=Type.U16, access=Access.READ_WRITE, codes=FRAMINGS, remark="0 8N1, 1 8E1, 2 8O1, 3 8N2, 4 8E2, 5 8O2"),
    _cem(address=0x044C, name="vt_primary", type=Type.U32, unit="V", decimals=1),
    _cem(address=0x044E, name="vt_secondary", type=Type.U32, unit="V", decimals=1),
    _cem(address=0x0450, name="ct_primary", type=Type.U32, unit="A", decimals=1),
    _cem(address=0x0452, name="ct_secondary", type=Type.U32, unit="A", decimals=1),
    _cem(address=0x0732, name="voltage_l1_v", type=Type.U32, unit="V", decimals=1, bit=28),
    _cem(address=0x0734, name="voltage_l2_v", type=Type.U32, unit="V", decimals=1, bit=29),
    _cem(address=0x0736, name="voltage_l3_v", type=Type.U32, unit="V", decimals=1, bit=30),
    _cem(address=0x0738, name="current_l1_a", type=Type.U32, unit="A", decimals=2, bit=31),
    _cem(address=0x073A, name="current_l2_a", type=Type.U32, unit="A", decimals=2, bit=32),
    _cem(address=0x073C, name="current_l3_a", type=Type.U32, unit="A", decimals=2, bit=33),
    _cem(address=0x073E, name="cos_phi_l1", type=Type.I32, decimals=2, bit=34),
    _cem(address=0x0740, name="cos_phi_l2", type=Type.I32, decimals=2, bit=35),
    _cem(address=0x0742, name="cos_phi_l3", type=Type.I32, decimals=2, bit=36),
    _cem(address=0x0746, name="power_l1_w", type=Type.I32, unit="W", bit=37),
    _cem(address=0x0748, name="power_l2_w", type=Type.I32, unit="W", bit=38),
    _cem(address=0x074A, name="power_l3_w", type=Type.I32, unit="W", bit=39),
    _cem(address=0x074C, name="power_w", type=Type.I32, unit="W", bit=40),
    _cem(address=0x074E, name="reactive_l1_var", type=Type.I32, unit="var", bit=41),
    _cem(address=0x0750, name="reactive_l2_var", type=Type.I32, unit="var", bit=42),
    _cem(address=0x0752, name="reactive_l3_var", type=Type.I32, unit="var", bit=43),
    _cem(address=0x0754, name="reactive_var", type=Type.I32, unit="var", bit=44),
    _cem(address=0x0756, name="apparent_l1_va", type=Type.I32, unit="VA", bit=45),
    _cem(address=0x0758, name="apparent_l2_va", type=Type.I32, unit="VA", bit=46),
    _cem(address=0x075A, name="apparent_l3_va", type=Type.I32, unit="VA", bit=47),
    _cem(address=0x075C, name="apparent_va", type=Type.I32, unit="VA", bit=48),
    _own(address=0x1000, name="block_version", type=Type.U16, remark="counts the layouts of this block"),
    _own(address=0x1001, name="status", type=Type.U16, remark=_STATUS),
    _own(address=0x1002, name="validity_0", type=Type.U16, remark="validity bits 0 to 15"),
    _own(address=0x1003, name="validity_1", type=Type.U16, remark="validity bits 16 to 31"),
    _own(address=0x1004, name="validity_2", type=Type.U16, remark="validity bits 32 to 47"),
    _own(address=0x1005, name="validity_3", type=Type.U16, remark="validity bits 48 to 63"),
    _own(address=0x1006, name="validity_4", type=Type.U16, remark="validity bits 64 to 79"),
    _own(address=0x1007, name="validity_5", type=Type.U16, remark="validity bits 80 to 95"),
    _own(address=0x1008, name="validity_6", type=Type.U16, remark="validity bits 96 to 111"),
    _own(address=0x1009, name="validity_7", type=Type.U16, remark="validity bits 112 to 127"),
    _own(address=0x100A, name="validity_8", type=Type.U16, remark="validity bits 128 to 143"),
    _own(address=0x100B, name="validity_9", type=Type.U16, remark="validity bits 144 to 159"),
    _own(address=0x100C, name="validity_10", type=Type.U16, remark="validity bits 160 to 175"),
    _own(address=0x100D, name="validity_11", type=Type.U16, remark="validity bits 176 to 191"),
    _own(address=0x100E, name="validity_12", type=Type.U16, remark="validity bits 192 to 207"),
    _own(address=0x100F, name="validity_13", type=Type.U16, remark="validity bits 208 to 223"),
    _own(address=0x1010, name="validity_14", type=Type.U16, remark="validity bits 224 to 239"),
    _own(address=0x1011, name="validity_15", type=Type.U16, remark="validity bits 240 to 255"),
    _own(address=0x1012, name="active_rate", type=Type.U16, bit=64),
    _own(address=0x1013, name="warnings", type=Type.U16, remark="standing warnings"),
    _own(address=0x1014, name="frequency_hz", type=Type.U32, unit="Hz", decimals=3, bit=65),
    _own(address=0x1016, name="voltage_l1_v", type=Type.U32, unit="V", decimals=2, bit=66),
    _own(address=0x1018, name="voltage_l2_v", type=Type.U32, unit="V", decimals=2, bit=67),
    _own(address=0x101A, name="voltage_l3_v", type=Type.U32, unit="V", decimals=2, bit=68),
    _own(address=0x101C, name="voltage_l12_v", type=Type.U32, unit="V", decimals=2, bit=69),
    _own(address=0x101E, name="voltage_l23_v", type=Type.U32, unit="V", decimals=2, bit=70),
    _own(address=0x1020, name="voltage_l31_v", type=Type.U32, unit="V", decimals=2, bit=71),
    _own(address=0x1022, name="current_l1_a", type=Type.U32, unit="A", decimals=3, bit=72),
    _own(address=0x1024, name="current_l2_a", type=Type.U32, unit="A", decimals=3, bit=73),
    _own(address=0x1026, name="current_l3_a", type=Type.U32, unit="A", decimals=3, bit=74),
    _own(address=0x1028, name="current_n_a", type=Type.U32, unit="A", decimals=3, bit=75),
    _own(address=0x102A, name="power_l1_w", type=Type.I32, unit="W", bit=76),
    _own(address=0x102C, name="power_l2_w", type=Type.I32, unit="W", bit=77),
    _own(address=0x102E, name="power_l3_w", type=Type.I32, unit="W", bit=78),
    _own(address=0x1030, name="power_w", type=Type.I32, unit="W", bit=79),
    _own(address=0x1032, name="reactive_l1_var", type=Type.I32, unit="var", bit=80),
    _own(address=0x1034, name="reactive_l2_var", type=Type.I32, unit="var", bit=81),
    _own(address=0x1036, name="reactive_l3_var", type=Type.I32, unit="var", bit=82),
    _own(address=0x1038, name="reactive_var", type=Type.I32, unit="var", bit=83),
    _own(address=0x103A, name="apparent_l1_va", type=Type.I32, unit="VA", bit=84),
    _own(address=0x103C, name="apparent_l2_va", type=Type.I32, unit="VA", bit=85),
    _own(address=0x103E, name="apparent_l3_va", type=Type.I32, unit="VA", bit=86),
    _own(address=0x1040, name="apparent_va", type=Type.I32, unit="VA", bit=87),
    _own(address=0x1042, name="power_factor_l1", type=Type.I16, decimals=4, bit=88),
    _own(address=0x1043, name="power_factor_l2", type=Type.I16, decimals=4, bit=89),
    _own(address=0x1044, name="power_factor_l3", type=Type.I16, decimals=4, bit=90),
    _own(address=0x1045, name="power_factor", type=Type.I16, decimals=4, bit=91),
    _own(address=0x1046, name="cos_phi_l1", type=Type.I16, decimals=4, bit=92),
    _own(address=0x1047, name="cos_phi_l2", type=Type.I16, decimals=4, bit=93),
    _own(address=0x1048, name="cos_phi_l3", type=Type.I16, decimals=4, bit=94),
    _own(address=0x1049, name="cos_phi", type=Type.I16, decimals=4, bit=95),
    _own(address=0x104A, name="voltage_angle_l1_deg", type=Type.I32, unit="°", decimals=2, bit=96),
    _own(address=0x104C, name="voltage_angle_l2_deg", type=Type.I32, unit="°", decimals=2, bit=97),
    _own(address=0x104E, name="voltage_angle_l3_deg", type=Type.I32, unit="°", decimals=2, bit=98),
    _own(address=0x1050, name="current_angle_l1_deg", type=Type.I32, unit="°", decimals=2, bit=99),
    _own(address=0x1052, name="current_angle_l2_deg", type=Type.I32, unit="°", decimals=2, bit=100),
    _own(address=0x1054, name="current_angle_l3_deg", type=Type.I32, unit="°", decimals=2, bit=101),
    _own(address=0x1056, name="import_wh", type=Type.U32, unit="Wh", bit=102),
    _own(address=0x1058, name="export_wh", type=Type.U32, unit="Wh", bit=103),
    _own(address=0x105A, name="q1_varh", type=Type.U32, unit="varh", bit=104),
    _own(address=0x105C, name="q2_varh", type=Type.U32, unit="varh", bit=105),
    _own(address=0x105E, name="q3_varh", type=Type.U32, unit="varh", bit=106),
    _own(address=0x1060, name="q4_varh", type=Type.U32, unit="varh", bit=107),
    _late(address=0x1062, name="thd_voltage_l1_percent", type=Type.U16, unit="%", decimals=2, bit=256),
    _late(address=0x1063, name="thd_voltage_l2_percent", type=Type.U16, unit="%", decimals=2, bit=257),
    _late(address=0x1064, name="thd_voltage_l3_percent", type=Type.U16, unit="%", decimals=2, bit=258),
    _late(address=0x1065, name="thd_current_l1_percent", type=Type.U16, unit="%", decimals=2, bit=259),
    _late(address=0x1066, name="thd_current_l2_percent", type=Type.U16, unit="%", decimals=2, bit=260),
    _late(address=0x1067, name="thd_current_l3_percent", type=Type.U16, unit="%", decimals=2, bit=261),
    _own(address=0x1068, name="demand_w", type=Type.I32, unit="W", bit=114),
    _own(address=0x106A, name="input1_closed", type=Type.U16, bit=115, needs="digital_inputs"),
    _own(address=0x106B, name="input2_closed", type=Type.U16, bit=116, needs="digital_inputs"),
    _own(address=0x106C, name="input1_count", type=Type.U32, bit=117, needs="digital_inputs"),
    _own(address=0x106E, name="input2_count", type=Type.U32, bit=118, needs="digital_inputs"),
    _own(address=0x1070, name="wiring_findings", type=Type.U16, bit=127, remark=_FINDINGS),
    _own(address=0x1100, name="t1_import_wh", type=Type.U32, unit="Wh", bit=128),
    _own(address=0x1102, name="t1_export_wh", type=Type.U32, unit="Wh", bit=129),
    _own(address=0x1104, name="t1_q1_varh", type=Type.U32, unit="varh", bit=130),
    _own(address=0x1106, name="t1_q2_varh", type=Type.U32, unit="varh", bit=131),
    _own(address=0x1108, name="t1_q3_varh", type=Type.U32, unit="varh", bit=132),
    _own(address=0x110A, name="t1_q4_varh", type=Type.U32, unit="varh", bit=133),
    _own(address=0x110C, name="t2_import_wh", type=Type.U32, unit="Wh", bit=134),
    _own(address=0x110E, name="t2_export_wh", type=Type.U32, unit="Wh", bit=135),
    _own(address=0x1110, name="t2_q1_varh", type=Type.U32, unit="varh", bit=136),
    _own(address=0x1112, name="t2_q2_varh", type=Type.U32, unit="varh", bit=137),
    _own(address=0x1114, name="t2_q3_varh", type=Type.U32, unit="varh", bit=138),
    _own(address=0x1116, name="t2_q4_varh", type=Type.U32, unit="varh", bit=139),
    _own(address=0x1118, name="t3_import_wh", type=Type.U32, unit="Wh", bit=140),
    _own(address=0x111A, name="t3_export_wh", type=Type.U32, unit="Wh", bit=141),
    _own(address=0x111C, name="t3_q1_varh", type=Type.U32, unit="varh", bit=142),
    _own(address=0x111E, name="t3_q2_varh", type=Type.U32, unit="varh", bit=143),
    _own(address=0x1120, name="t3_q3_varh", type=Type.U32, unit="varh", bit=144),
    _own(address=0x1122, name="t3_q4_varh", type=Type.U32, unit="varh", bit=145),
    _own(address=0x1124, name="t4_import_wh", type=Type.U32, unit="Wh", bit=146),
    _own(address=0x1126, name="t4_export_wh", type=Type.U32, unit="Wh", bit=147),
    _own(address=0x1128, name="t4_q1_varh", type=Type.U32, unit="varh", bit=148),
    _own(address=0x112A, name="t4_q2_varh", type=Type.U32, unit="varh", bit=149),
    _own(address=0x112C, name="t4_q3_varh", type=Type.U32, unit="varh", bit=150),
    _own(address=0x112E, name="t4_q4_varh", type=Type.U32, unit="varh", bit=151),
    _own(address=0x1130, name="t5_import_wh", type=Type.U32, unit="Wh", bit=152),
    _own(address=0x1132, name="t5_export_wh", type=Type.U32, unit="Wh", bit=153),
    _own(address=0x1134, name="t5_q1_varh", type=Type.U32, unit="varh", bit=154),
    _own(address=0x1136, name="t5_q2_varh", type=Type.U32, unit="varh", bit=155),
    _own(address=0x1138, name="t5_q3_varh", type=Type.U32, unit="varh", bit=156),
    _own(address=0x113A, name="t5_q4_varh", type=Type.U32, unit="varh", bit=157),
    _own(address=0x113C, name="t6_import_wh", type=Type.U32, unit="Wh", bit=158),
    _own(address=0x113E, name="t6_export_wh", type=Type.U32, unit="Wh", bit=159),
    _own(address=0x1140, name="t6_q1_varh", type=Type.U32, unit="varh", bit=160),
    _own(address=0x1142, name="t6_q2_varh", type=Type.U32, unit="varh", bit=161),
    _own(address=0x1144, name="t6_q3_varh", type=Type.U32, unit="varh", bit=162),
    _own(address=0x1146, name="t6_q4_varh", type=Type.U32, unit="varh", bit=163),
    _own(address=0x1148, name="t7_import_wh", type=Type.U32, unit="Wh", bit=164),
    _own(address=0x114A, name="t7_export_wh", type=Type.U32, unit="Wh", bit=165),
    _own(address=0x114C, name="t7_q1_varh", type=Type.U32, unit="varh", bit=166),
    _own(address=0x114E, name="t7_q2_varh", type=Type.U32, unit="varh", bit=167),
    _own(address=0x1150, name="t7_q3_varh", type=Type.U32, unit="varh", bit=168),
    _own(address=0x1152, name="t7_q4_varh", type=Type.U32, unit="varh", bit=169),
    _own(address=0x1154, name="t8_import_wh", type=Type.U32, unit="Wh", bit=170),
    _own(address=0x1156, name="t8_export_wh", type=Type.U32, unit="Wh", bit=171),
    _own(address=0x1158, name="t8_q1_varh", type=Type.U32, unit="varh", bit=172),
    _own(address=0x115A, name="t8_q2_varh", type=Type.U32, unit="varh", bit=173),
    _own(address=0x115C, name="t8_q3_varh", type=Type.U32, unit="varh", bit=174),
    _own(address=0x115E, name="t8_q4_varh", type=Type.U32, unit="varh", bit=175),
    _own(address=0x1160, name="l1_import_wh", type=Type.U32, unit="Wh", bit=176),
    _own(address=0x1162, name="l1_export_wh", type=Type.U32, unit="Wh", bit=177),
    _own(address=0x1164, name="l1_q1_varh", type=Type.U32, unit="varh", bit=178),
    _own(address=0x1166, name="l1_q2_varh", type=Type.U32, unit="varh", bit=179),
    _own(address=0x1168, name="l1_q3_varh", type=Type.U32, unit="varh", bit=180),
    _own(address=0x116A, name="l1_q4_varh", type=Type.U32, unit="varh", bit=181),
    _own(address=0x116C, name="l2_import_wh", type=Type.U32, unit="Wh", bit=182),
    _own(address=0x116E, name="l2_export_wh", type=Type.U32, unit="Wh", bit=183),
    _own(address=0x1170, name="l2_q1_varh", type=Type.U32, unit="varh", bit=184),
    _own(address=0x1172, name="l2_q2_varh", type=Type.U32, unit="varh", bit=185),
    _own(address=0x1174, name="l2_q3_varh", type=Type.U32, unit="varh", bit=186),
    _own(address=0x1176, name="l2_q4_varh", type=Type.U32, unit="varh", bit=187),
    _own(address=0x1178, name="l3_import_wh", type=Type.U32, unit="Wh", bit=188),
    _own(address=0x117A, name="l3_export_wh", type=Type.U32, unit="Wh", bit=189),
    _own(address=0x117C, name="l3_q1_varh", type=Type.U32, unit="varh", bit=190),
    _own(address=0x117E, name="l3_q2_varh", type=Type.U32, unit="varh", bit=191),
    _own(address=0x1180, name="l3_q3_varh", type=Type.U32, unit="varh", bit=192),
    _own(address=0x1182, name="l3_q4_varh", type=Type.U32, unit="varh", bit=193),
    _own(address=0x1200, name="import_microwh", type=Type.U64, unit="µWh", bit=200, remark="never rolls over"),
    _own(address=0x1204, name="export_microwh", type=Type.U64, unit="µWh", bit=201, remark="never rolls over"),
    _own(address=0x1208, name="q1_microvarh", type=Type.U64, unit="µvarh", bit=202, remark="never rolls over"),
    _own(address=0x120C, name="q2_microvarh", type=Type.U64, unit="µvarh", bit=203, remark="never rolls over"),
    _own(address=0x1210, name="q3_microvarh", type=Type.U64, unit="µvarh", bit=204, remark="never rolls over"),
    _own(address=0x1214, name="q4_microvarh", type=Type.U64, unit="µvarh", bit=205, remark="never rolls over"),
    _own(address=0x1218, name="partial_cost", type=Type.U64, decimals=4, bit=206),
    _own(address=0x121C, name="partial_co2_kg", type=Type.U64, unit="kg", decimals=4, bit=207),
    _own(address=0x1220, name="input1_quantity", type=Type.U64, decimals=6, bit=119, needs="digital_inputs", remark="in the unit of the setting input1_unit"),
    _own(address=0x1224, name="input2_quantity", type=Type.U64, decimals=6, bit=120, needs="digital_inputs", remark="in the unit of the setting input2_unit"),
    _own(address=0x1300, name="partial_reset", type=Type.U16, access=Access.COMMAND, remark="write 1: partial counters, cost, CO2 and hours begin again at 0"),
    _own(address=0x1301, name="close_period", type=Type.U16, access=Access.COMMAND, remark="write 1: the billing period is closed, maxima begin again"),
    _own(address=0x1302, name="rate_select", type=Type.U16, access=Access.READ_WRITE, remark="1 to 8, counts from the next sample on where rate_source is bus; else exception 01"),
    _own(address=0x1400, name="software_id", type=Type.ASCII, length=32, remark="SHA-256 of the legally relevant sources, hexadecimal"),
    _own(address=0x1420, name="calendar_id", type=Type.ASCII, length=16, remark="name of the calendar in force, its first 32 characters"),
    _own(address=0x1430, name="clock_unix_s", type=Type.U64, unit="s", remark="end of what has been metered, seconds since 1970 UTC"),
    _own(address=0x1434, name="seal_open", type=Type.U16, bit=122),
    _own(address=0x1435, name="storage_fault", type=Type.U16, bit=123),
    _own(address=0x1436, name="registers_fresh", type=Type.U16, bit=124),
    _own(address=0x1437, name="calendar_missing", type=Type.U16, bit=125),
    _own(address=0x1438, name="power_fail_count", type=Type.U32, bit=126),
    _own(address=0x1500, name="max_demand_w", type=Type.I32, unit="W", bit=208),
    _own(address=0x1502, name="t1_max_demand_w", type=Type.I32, unit="W", bit=209),
    _own(address=0x1504, name="t2_max_demand_w", type=Type.I32, unit="W", bit=210),
    _own(address=0x1506, name="t3_max_demand_w", type=Type.I32, unit="W", bit=211),
    _own(address=0x1508, name="t4_max_demand_w", type=Type.I32, unit="W", bit=212),
    _own(address=0x150A, name="t5_max_demand_w", type=Type.I32, unit="W", bit=213),
    _own(address=0x150C, name="t6_max_demand_w", type=Type.I32, unit="W", bit=214),
    _own(address=0x150E, name="t7_max_demand_w", type=Type.I32, unit="W", bit=215),
    _own(address=0x1510, name="t8_max_demand_w", type=Type.I32, unit="W", bit=216),
    _own(address=0x1512, name="max_demand_unix_s", type=Type.U32, unit="s", bit=217),
    _own(address=0x1514, name="t1_max_demand_unix_s", type=Type.U32, unit="s", bit=218),
    _own(address=0x1516, name="t2_max_demand_unix_s", type=Type.U32, unit="s", bit=219),
    _own(address=0x1518, name="t3_max_demand_unix_s", type=Type.U32, unit="s", bit=220),
    _own(address=0x151A, name="t4_max_demand_unix_s", type=Type.U32, unit="s", bit=221),
    _own(address=0x151C, name="t5_max_demand_unix_s", type=Type.U32, unit="s", bit=222),
    _own(address=0x151E, name="t6_max_demand_unix_s", type=Type.U32, unit="s", bit=223),
    _own(address=0x1520, name="t7_max_demand_unix_s", type=Type.U32, unit="s", bit=224),
    _own(address=0x1522, name="t8_max_demand_unix_s", type=Type.U32, unit="s", bit=225),
    _own(address=0x1600, name="event_count", type=Type.U32, remark="events ever, as the chain counts them"),
    _own(address=0x1602, name="event_head", type=Type.ASCII, length=32, remark="SHA-256 that the chain of events ends with, hexadecimal"),
    _own(address=0x1700, name="profile_count", type=Type.U32, remark="rows of the load profile ever; rows are numbered from 0"),
    _own(address=0x1702, name="profile_select", type=Type.U32, access=Access.READ_WRITE, remark="number of the first row in the window; each line has its own"),
    _own(address=0x1704, name="profile_window", type=Type.RAW, length=120, remark="three rows of 40 registers; zeros where there is none"),
    _own(address=0x177C, name="profile_oldest", type=Type.U32, remark="number of the oldest row still held"),
    _own(address=0x1800, name="closing_count", type=Type.U32, remark="closings ever; they are numbered from 0"),
    _own(address=0x1802, name="closing_select", type=Type.U32, access=Access.READ_WRITE, remark="number of the closing in the records that follow; each line has its own"),
    _own(address=0x1804, name="closing_oldest", type=Type.U32, remark="number of the oldest closing still held"),
    _own(address=0x1806, name="closing_head", type=Type.RAW, length=4, remark="time, cause and flags; zeros where there is none"),
    _own(address=0x180A, name="closing_total", type=Type.RAW, length=24, remark="six exact energies"),
    *(_own(address=0x1822 + 24 * place, name=f"closing_{rate}", type=Type.RAW, length=24, remark="six exact energies") for place, rate in enumerate(RATES)),
    _own(address=0x18E2, name="closing_maxima", type=Type.RAW, length=54, remark="nine maxima with their times: over all rates, T1 to T8"),
    _own(address=0x1A00, name="validity_16", type=Type.U16, late=True, remark="validity bits 256 to 271"),
    _own(address=0x1A01, name="validity_17", type=Type.U16, late=True, remark="validity bits 272 to 287"),
    _own(address=0x1A02, name="validity_18", type=Type.U16, late=True, remark="validity bits 288 to 303"),
    _own(address=0x1A03, name="validity_19", type=Type.U16, late=True, remark="validity bits 304 to 319"),
    _own(address=0x1A04, name="validity_20", type=Type.U16, late=True, remark="validity bits 320 to 335"),
    _own(address=0x1A05, name="validity_21", type=Type.U16, late=True, remark="validity bits 336 to 351"),
    _own(address=0x1A06, name="validity_22", type=Type.U16, late=True, remark="validity bits 352 to 367"),
    _own(address=0x1A07, name="validity_23", type=Type.U16, late=True, remark="validity bits 368 to 383"),
    _own(address=0x1A08, name="validity_24", type=Type.U16, late=True, remark="validity bits 384 to 399"),
    _own(address=0x1A09, name="validity_25", type=Type.U16, late=True, remark="validity bits 400 to 415"),
    _own(address=0x1A0A, name="validity_26", type=Type.U16, late=True, remark="validity bits 416 to 431"),
    _own(address=0x1A0B, name="validity_27", type=Type.U16, late=True, remark="validity bits 432 to 447"),
    _own(address=0x1A0C, name="validity_28", type=Type.U16, late=True, remark="validity bits 448 to 463"),
    _own(address=0x1A0D, name="validity_29", type=Type.U16, late=True, remark="validity bits 464 to 479"),
    _own(address=0x1A0E, name="validity_30", type=Type.U16, late=True, remark="validity bits 480 to 495"),
    _own(address=0x1A0F, name="validity_31", type=Type.U16, late=True, remark="validity bits 496 to 511"),
    _own(address=0x1A10, name="validity_32", type=Type.U16, late=True, remark="validity bits 512 to 527"),
    _own(address=0x1A11, name="validity_33", type=Type.U16, late=True, remark="validity bits 528 to 543"),
    _own(address=0x1A12, name="validity_34", type=Type.U16, late=True, remark="validity bits 544 to 559"),
    _own(address=0x1A13, name="validity_35", type=Type.U16, late=True, remark="validity bits 560 to 575"),
    _own(address=0x1A14, name="validity_36", type=Type.U16, late=True, remark="validity bits 576 to 591"),
    _late(address=0x1A15, name="crest_factor_voltage_l1", type=Type.U16, decimals=3, bit=262),
    _late(address=0x1A16, name="crest_factor_voltage_l2", type=Type.U16, decimals=3, bit=263),
    _late(address=0x1A17, name="crest_factor_voltage_l3", type=Type.U16, decimals=3, bit=264),
    _late(address=0x1A18, name="crest_factor_current_l1", type=Type.U16, decimals=3, bit=265),
    _late(address=0x1A19, name="crest_factor_current_l2", type=Type.U16, decimals=3, bit=266),
    _late(address=0x1A1A, name="crest_factor_current_l3", type=Type.U16, decimals=3, bit=267),
    _late(address=0x1A1B, name="undervoltage_l1", type=Type.U16, bit=268),
    _late(address=0x1A1C, name="undervoltage_l2", type=Type.U16, bit=269),
    _late(address=0x1A1D, name="undervoltage_l3", type=Type.U16, bit=270),
    _late(address=0x1A1E, name="overvoltage_l1", type=Type.U16, bit=271),
    _late(address=0x1A1F, name="overvoltage_l2", type=Type.U16, bit=272),
    _late(address=0x1A20, name="overvoltage_l3", type=Type.U16, bit=273),
    _late(address=0x1A21, name="voltage_unbalance_percent", type=Type.U16, unit="%", decimals=2, bit=274),
    _late(address=0x1A22, name="voltage_zero_unbalance_percent", type=Type.U16, unit="%", decimals=2, bit=275),
    _late(address=0x1A23, name="current_unbalance_percent", type=Type.U16, unit="%", decimals=2, bit=276),
    _late(address=0x1A24, name="current_zero_unbalance_percent", type=Type.U16, unit="%", decimals=2, bit=277),
    _late(address=0x1A25, name="voltage_positive_v", type=Type.U32, unit="V", decimals=2, bit=278),
    _late(address=0x1A27, name="voltage_negative_v", type=Type.U32, unit="V", decimals=2, bit=279),
    _late(address=0x1A29, name="voltage_zero_v", type=Type.U32, unit="V", decimals=2, bit=280),
    _late(address=0x1A2B, name="current_positive_a", type=Type.U32, unit="A", decimals=3, bit=281),
    _late(address=0x1A2D, name="current_negative_a", type=Type.U32, unit="A", decimals=3, bit=282),
    _late(address=0x1A2F, name="current_zero_a", type=Type.U32, unit="A", decimals=3, bit=283),
    *_harmonics(0x1A31, 284),
    _cem(address=0x2710, name="serial", type=Type.U32),
    _cem(address=0xF010, name="model", type=Type.ASCII, length=6, remark="12 characters, as CEM-D311-MID"),
)
"""Every row of the map, sorted by address."""

_coil = partial(Bit, table=BitTable.COIL, access=Access.COMMAND)
_input = partial(Bit, table=BitTable.DISCRETE_INPUT)

BITS: tuple[Bit, ...] = (
    _coil(address=0x1300, name="partial_reset", remark="ON: partial counters, cost, CO2 and hours begin again at 0; reads 0"),
    _coil(address=0x1301, name="close_period", remark="ON: the billing period is closed, maxima begin again; reads 0"),
    *(_coil(address=0x1302 + place, name=f"select_{rate}", remark=f"ON: {rate.upper()} counts from the next sample on where rate_source is bus; reads 1 while it is selected")
      for place, rate in enumerate(RATES)),
    _input(address=0x0000, name="input1_closed", needs="digital_inputs"),
    _input(address=0x0001, name="input2_closed", needs="digital_inputs"),
    _input(address=0x0010, name="warning", remark="a warning stands: bit 0 of the register status"),
    _input(address=0x0011, name="finding", remark="the diagnosis found something: bit 1 of the register status"),
)
"""Coils and discrete inputs, each table sorted by address."""

LIVE: tuple[Register, ...] = tuple(row for row in REGISTERS if row.status is Status.LIVE)
"""The rows that a D311 answers for."""


def meaning(row: Register | Bit) -> str:
    """Return what a row's name means, from the nomenclature, the settings, or the meter's own words."""
    if row.name in VALUE_BY_NAME:
        return VALUE_BY_NAME[row.name].meaning
    if row.name in PARAMETER_BY_NAME:
        return PARAMETER_BY_NAME[row.name].meaning
    return IDENTITY.get(row.name, "")


def finest(rows: tuple[Register, ...] = LIVE) -> Mapping[str, Register]:
    """Return one row for each name: where both blocks have it, that of the watthour block, which is finer.

    >>> f"{finest()['voltage_l1_v'].address:04X}"
    '1016'
    """
    return {row.name: row for row in sorted(rows, key=lambda row: (row.block == OWN, row.address))}


def stretches(rows: Sequence[Register], longest: int) -> list[list[Register]]:
    """Return rows sorted by address in the fewest stretches that have no hole and no more than so many registers.

    >>> [(f"{rows[0].address:04X}", f"{rows[-1].end:04X}") for rows in stretches(LIVE[:8], 125)]
    [('0000', '000C'), ('0030', '0034')]
    """
    found: list[list[Register]] = []
    for row in rows:
        if found and found[-1][-1].end == row.address and row.end - found[-1][0].address <= longest:
            found[-1].append(row)
        else:
            found.append([row])
    return found


def validity_place(bit: int) -> tuple[str, int]:
    """Return the register that holds a validity bit, and the bit's place in it.

    >>> validity_place(65)
    ('validity_4', 1)
    """
    word, place = divmod(bit, VALIDITY_BITS_PER_REGISTER)
    return f"validity_{word}", place
