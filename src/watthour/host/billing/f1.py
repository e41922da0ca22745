"""The F1 message, in which Spain's distributors bill access to the grid (CNMC, XML formats of files between distributors and suppliers).

In: the bytes of a message with one invoice. Out: an `Invoice` whose lines are called as the tariffs of the package call them. Watts
become kilowatts. What an element says that is none of the invoice's money (self-consumption, addresses) is left aside.
"""

import re
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from xml.etree.ElementTree import Element, ParseError, fromstring

from watthour.billing.invoice import Invoice, InvoiceLine, Register, Subtotal
from watthour.errors import ConfigError

_NAMESPACE = re.compile(r"^\{[^}]*\}")
_SINCE_2021 = {"018", "019", "020", "021", "022", "023", "024", "025"}
"""Codes of tariffs of Circular 3/2020, whose power is priced by the day; before, by the month."""

_DAY = timedelta(days=1)
_KILO = Decimal(1000)
_CHARGES = {"01": "power_charges", "02": "energy_charges"}
_SELF_CONSUMING = {"00", ""}
_SIX_REGISTERS = 6


def invoice_of_f1(file: str, content: bytes) -> Invoice:
    """Return the invoice of a message.

    Raises
    ------
    ConfigError
        If it is no F1 message with one invoice of access, naming what is missing.
    """
    if b"<!DOCTYPE" in content or b"<!ENTITY" in content:
        raise ConfigError(file, "an F1 message has no DOCTYPE and no entities; this file is refused")
    try:
        root = fromstring(content)  # noqa: S314 - without entities nothing can be expanded
    except ParseError as problem:
        raise ConfigError(file, f"not valid XML: {problem}", problem.position[0]) from None
    for element in root.iter():
        element.tag = _NAMESPACE.sub("", element.tag)
    bills = root.findall("./Facturas/FacturaATR")
    if len(bills) != 1:
        raise ConfigError(file, f"{len(bills)} invoices of access (FacturaATR) in it; give a file with one")
    return _Reader(file, root, bills[0]).invoice()


class _Reader:
    """One invoice of a message, element by element."""

    def __init__(self, file: str, root: Element, bill: Element) -> None:
        self.file = file
        self.root = root
        self.bill = bill

    def text(self, element: Element, path: str, default: str | None = None) -> str:
        found = element.findtext(path)
        if found is None or not found.strip():
            if default is not None:
                return default
            raise ConfigError(self.file, f"{element.tag} has no {path}")
        return found.strip()

    def number(self, element: Element, path: str) -> Decimal:
        text = self.text(element, path)
        try:
            return Decimal(text)
        except InvalidOperation:
            raise ConfigError(self.file, f"{path} is {text!r}, which is no number") from None

    def day(self, element: Element, path: str) -> date:
        text = self.text(element, path)
        try:
            return date.fromisoformat(text[:10])
        except ValueError:
            raise ConfigError(self.file, f"{path} is {text!r}, which is no day") from None

    def invoice(self) -> Invoice:
        general = "./DatosGeneralesFacturaATR"
        data = f"{general}/DatosFacturaATR"
        lines = tuple(self.lines())
        return Invoice(
            number=self.text(self.bill, f"{general}/DatosGeneralesFactura/CodigoFiscalFactura"),
            supplier=self.text(self.root, "./Cabecera/CodigoREEEmpresaEmisora", ""),
            supply=self.text(self.root, "./Cabecera/CUPS", ""),
            issued=self.day(self.bill, f"{general}/DatosGeneralesFactura/FechaFactura"),
            currency="EUR",
            first_day=self.day(self.bill, f"{data}/Periodo/FechaDesdeFactura") + _DAY,
            last_day=self.day(self.bill, f"{data}/Periodo/FechaHastaFactura"),
            days=int(self.number(self.bill, f"{data}/Periodo/NumeroDias")),
            lines=lines,
            subtotals=tuple(self.subtotals()),
            registers=tuple(self.registers()),
            total=self.number(self.bill, f"{general}/DatosGeneralesFactura/ImporteTotalFactura"),
        )

    def span(self, term: Element) -> tuple[date, date]:
        """Return the days of a term, both billed."""
        return self.day(term, "FechaDesde") + _DAY, self.day(term, "FechaHasta")

    def terms(self, path: str) -> Iterator[tuple[Element, str, tuple[date, date]]]:
        """Yield each period of each term with its name and days."""
        for term in self.bill.iterfind(path):
            span = self.span(term)
            for number, period in enumerate(term.iterfind("Periodo"), 1):
                yield period, f"P{number}", span

    def lines(self) -> Iterator[InvoiceLine]:
        yield from self.powers()
        for period, name, span in self.terms("./ExcesoPotencia/TerminoExcesoPotencia"):
            yield InvoiceLine(
                charge="excess",
                period=name,
                amount=self.number(period, "ValorExcesoPotencia"),
                first_day=span[0],
                last_day=span[1],
            )
        yield from self.energies("./EnergiaActiva/TerminoEnergiaActiva", "energy_toll", "ValorEnergiaActiva", "PrecioEnergia")
        yield from self.reactive()
        yield from self.charges()
        yield from self.tax("./ImpuestoElectrico", "electricity_tax")
        for rent in self.bill.iterfind("./Alquileres/PrecioDiarioAlquiler"):
            days = int(self.number(rent, "NumeroDias"))
            yield InvoiceLine(charge="meter_rental", price=self.number(rent, "PrecioDia"), price_unit="EUR/day", days=days)
        yield from self.tax("./IVA", "vat")

    def powers(self) -> Iterator[InvoiceLine]:
        tariff = self.text(self.bill, "./DatosGeneralesFacturaATR/DatosFacturaATR/TarifaATRFact")
        unit = "EUR/kW.day" if tariff in _SINCE_2021 else "EUR/kW.month"
        for period, name, span in self.terms("./Potencia/TerminoPotencia"):
            yield InvoiceLine(
                charge="power_toll",
                period=name,
                quantity=self.number(period, "PotenciaAFacturar") / _KILO,
                price=self.number(period, "PrecioPotencia") * _KILO,
                price_unit=unit,
                maximum_kw=self.number(period, "PotenciaMaxDemandada") / _KILO,
                first_day=span[0],
                last_day=span[1],
            )

    def energies(self, path: str, charge: str, value: str, price: str, unit: str = "EUR/kWh") -> Iterator[InvoiceLine]:
        for period, name, span in self.terms(path):
            yield InvoiceLine(
                charge=charge,
                period=name,
                quantity=self.number(period, value),
                price=self.number(period, price),
                price_unit=unit,
                first_day=span[0],
                last_day=span[1],
            )

    def reactive(self) -> Iterator[InvoiceLine]:
        """Yield reactive lines; a period of the message is not named, so that its place in all terms counts."""
        path = "./EnergiaReactiva/TerminoEnergiaReactiva"
        lines = self.energies(path, "reactive", "ValorEnergiaReactiva", "PrecioEnergiaReactiva", "EUR/kvarh")
        for number, line in enumerate(lines, 1):
            yield InvoiceLine(
                charge=line.charge,
                period=f"P{number}",
                quantity=line.quantity,
                price=line.price,
                price_unit=line.price_unit,
                first_day=line.first_day,
                last_day=line.last_day,
            )

    def charges(self) -> Iterator[InvoiceLine]:
        for charge in self.bill.iterfind("./Cargos/Cargo"):
            kind = self.text(charge, "TipoCargo")
            name = _CHARGES.get(kind, f"charge_{kind}")
            for term in charge.iterfind("TerminoCargo"):
                span = self.span(term)
                for number, period in enumerate(term.iterfind("Periodo"), 1):
                    by_power = period.find("Potencia") is not None
                    price = self.number(period, "PrecioCargo")
                    yield InvoiceLine(
                        charge=name,
                        period=f"P{number}",
                        quantity=self.number(period, "Potencia") / _KILO if by_power else self.number(period, "Energia"),
                        price=price * _KILO if by_power else price,
                        price_unit="EUR/kW.day" if by_power else "EUR/kWh",
                        first_day=span[0],
                        last_day=span[1],
                    )

    def tax(self, path: str, charge: str) -> Iterator[InvoiceLine]:
        tax = self.bill.find(path)
        if tax is not None:
            yield InvoiceLine(
                charge=charge,
                quantity=self.number(tax, "BaseImponible"),
                price=self.number(tax, "Porcentaje"),
                price_unit="%",
                amount=self.number(tax, "Importe"),
            )

    def subtotals(self) -> Iterator[Subtotal]:
        for path, charges in (
            ("./Potencia/ImporteTotalTerminoPotencia", ("power_toll",)),
            ("./ExcesoPotencia/ImporteTotalExcesos", ("excess",)),
            ("./EnergiaActiva/ImporteTotalEnergiaActiva", ("energy_toll",)),
            ("./EnergiaReactiva/ImporteTotalEnergiaReactiva", ("reactive",)),
            ("./Cargos/TotalImporteCargos", tuple(_CHARGES.values())),
            ("./Alquileres/ImporteFacturacionAlquileres", ("meter_rental",)),
        ):
            if self.bill.find(path) is not None:
                yield Subtotal(title=path.rpartition("/")[2], charges=charges, amount=self.number(self.bill, path))
        for charge in self.bill.iterfind("./Cargos/Cargo"):
            name = _CHARGES.get(self.text(charge, "TipoCargo"))
            if name is not None:
                amount = self.number(charge, "TotalImporteTipoCargo")
                yield Subtotal(title=f"TotalImporteTipoCargo {name}", charges=(name,), amount=amount)
        if self.root.find("./Facturas/RegistroFin/ImporteTotal") is not None:
            everything = tuple(dict.fromkeys(line.charge for line in self.lines()))
            amount = self.number(self.root, "./Facturas/RegistroFin/ImporteTotal")
            yield Subtotal(title="ImporteTotal of the message", charges=everything, amount=amount)

    def registers(self) -> Iterator[Register]:
        """Yield readings of meters; of one that nets self-consumption they are not what is billed."""
        general = "./DatosGeneralesFacturaATR/DatosFacturaATR"
        is_plain = self.text(self.bill, f"{general}/TipoAutoconsumo", "") in _SELF_CONSUMING
        billed = len(self.bill.findall("./EnergiaActiva/TerminoEnergiaActiva[1]/Periodo"))
        for meter in self.bill.iterfind("./Medidas/ModeloAparato"):
            serial = self.text(meter, "NumeroSerie")
            for register in meter.iterfind("Integrador"):
                magnitude, code = self.text(register, "Magnitud"), self.text(register, "CodigoPeriodo")
                place = int(code[1:]) if code[1:].isdecimal() else 0
                folded = (place - 1) % billed + 1 if code.startswith(str(_SIX_REGISTERS)) and billed else place
                is_energy = magnitude == "AE" and is_plain and place > 0
                yield Register(
                    name=f"meter {serial}, {magnitude} {code}",
                    begin=self.number(register, "LecturaDesde/Lectura"),
                    end=self.number(register, "LecturaHasta/Lectura"),
                    constant=self.number(register, "ConstanteMultiplicadora"),
                    consumption=self.number(register, "ConsumoCalculado"),
                    kind="import" if is_energy else "",
                    period=f"P{folded}" if is_energy else "",
                )
