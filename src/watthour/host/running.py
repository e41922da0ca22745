"""One run of some meters from its start to its end: sources, threads, lines, screen, and what is printed.

The main thread is the buses' and the screen's; each meter has a thread of its own. Signals ask them to stop, and so does the
failure of one of them; their state is kept before the program ends.
"""

import asyncio
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from rich.console import Console

from watthour.errors import ConfigError, UsageError, WatthourError
from watthour.host.config import Plan
from watthour.host.contacts import Wiring, wiring_of
from watthour.host.control import ControlSocket
from watthour.host.faults import FaultScript
from watthour.host.instants import iso
from watthour.host.instrument import Instrument, Shown
from watthour.host.lines import Listener, TcpUrl, TraceFile, lines_of, open_line
from watthour.host.lines.access import OPEN
from watthour.host.metering import MeteringThread, Pace, PulseFile, Work, begin_work, warm
from watthour.host.starting import ThreadPort, starting_view
from watthour.host.store import DataDirectory
from watthour.host.terminal import Scene, Watching, event_line, rack_table, say, view_tables, watched
from watthour.view import Event, EventKind, View
from watthour.wire.modbus.faults import BusFault
from watthour.wire.modbus.link import Requested

_SOON_S = 0.05
"""Meters that were asked to stop are looked at this often: whoever stops a run waits for them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StartingMeter:
    """A meter of a run before its state is there: its directory is held, and nothing in it was touched.

    Parameters
    ----------
    store : DataDirectory or None
        None where everything lives in memory.
    """

    plan: Plan
    wiring: Wiring
    store: DataDirectory | None
    port: ThreadPort

    def listeners(self) -> list[Listener]:
        """Return where it is to listen."""
        access = self.plan.access
        return [
            Listener(owner=self.plan.name, url=url, port=self.port, access=access.get(url, OPEN)) for url in self.plan.listen
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningMeter:
    """A meter of a run.

    Parameters
    ----------
    label : str
        What stands before each line about it: empty where it is the only one.
    shown : Shown
        As its page and the panel have it.
    """

    plan: Plan
    work: Work
    thread: MeteringThread
    label: str
    shown: Shown

    def news(self) -> list[str]:
        """Return what happened to it since last asked, one line each."""
        remarks = self.thread.take_remarks()
        return [f"{self.label}{line}" for line in (*map(event_line, self.thread.take_events()), *remarks)]

    def failure(self) -> BaseException | None:
        """Return what ended it before its time, naming it where there are others."""
        failure = self.thread.failure
        if self.label and isinstance(failure, WatthourError):
            return WatthourError(f"{self.label}{failure}")
        return failure


def run_meters(
    plans: Sequence[Plan],
    pace: Pace,
    *,
    stop_asked: Callable[[], bool],
    as_json: bool,
    faults: FaultScript | None = None,
    pulses: Path | None = None,
    trace: Path | None = None,
    panel: bool = False,
) -> None:
    """Meter what some plans say, each with a meter of its own, and print the results in the order of the plans.

    Parameters
    ----------
    stop_asked : callable
        Whether a signal has asked the program to stop.
    faults : FaultScript, optional
        What shall go wrong on purpose.
    pulses : Path, optional
        File for the pulses of the LEDs and the output, of a run of one meter.
    trace : Path, optional
        File for what the Modbus lines carry.
    panel : bool
        Whether the first meter is shown as an instrument, and the run ends when that is left.

    Raises
    ------
    WatthourError
        What stopped the run, in one line; the state metered so far is kept.
    """
    _check_apart(plans)
    plans = _with_plant_faults(plans, faults)
    if pulses is not None and len(plans) > 1:
        msg = f"--pulses {pulses}: one file holds the pulses of one meter: run the meters one by one, or leave it out"
        raise UsageError(msg)
    with ExitStack() as stack:
        pulse_file = None if pulses is None else stack.enter_context(PulseFile(pulses))
        starting = [_hold(plan, wiring, stack) for plan, wiring in zip(plans, wiring_of(plans), strict=True)]
        trace_file = None if trace is None else stack.enter_context(TraceFile(trace))
        lines = Lines(faults=faults, trace=trace_file)

        def restore() -> list[RunningMeter]:
            meters = [_restore(meter, pace, stack, pulse_file, is_alone=len(plans) == 1) for meter in starting]
            for sample_type in sorted({meter.work.source.sample_type for meter in meters if not meter.work.finished}):
                warm(sample_type, say)
            return meters

        meters, shown = asyncio.run(_run(starting, restore, pace, stop_asked, lines, quiet=as_json or panel, panel=panel))
    for meter in meters:
        failure = meter.failure()
        if failure is not None:
            raise failure
    views = [meter.thread.view for meter in meters]
    if as_json:
        sys.stdout.write("".join(json.dumps(result_of(view)) + "\n" for view in views))
        sys.stdout.flush()
    elif not (shown and sys.stdout.isatty()):
        Console().print(view_tables(views[0]) if len(views) == 1 else rack_table(views))


def _with_plant_faults(plans: Sequence[Plan], faults: FaultScript | None) -> Sequence[Plan]:
    """Return the plans, with the plant's part of a script laid over their simulated installations."""
    if faults is None or not faults.plant:
        return plans
    if not any(plan.source is not None and plan.source.is_network for plan in plans):
        raise ConfigError(faults.file, "[[plant]] needs a simulated installation, and none is metered", faults.line_of_plant)
    return [
        replace(plan, source=replace(plan.source, faults=Path(faults.file)))
        if plan.source is not None and plan.source.is_network
        else plan
        for plan in plans
    ]


def _check_apart(plans: Sequence[Plan]) -> None:
    """Refuse a configuration named twice, and two meters that would keep their state in the same directory."""
    owners: dict[object, str] = {}
    names = [plan.name for plan in plans]
    for plan in plans:
        if names.count(plan.name) > 1:
            msg = f"{plan.name}: named twice: one configuration is one meter"
            raise UsageError(msg)
        if plan.data is None:
            continue
        place = (plan.data.resolve(), plan.setting("serial"))
        if place in owners:
            msg = f"{owners[place]} and {plan.name} keep their state as serial {place[1]} in {plan.data}: give each its own serial"
            raise UsageError(msg)
        owners[place] = plan.name


def _hold(plan: Plan, wiring: Wiring, stack: ExitStack) -> StartingMeter:
    """Return a meter whose state is still to be restored, its directory held by this process alone."""
    store = None
    if plan.data is not None:
        store = stack.enter_context(DataDirectory(plan.data, int(str(plan.setting("serial")))))
    return StartingMeter(plan=plan, wiring=wiring, store=store, port=ThreadPort(starting_view(plan)))


def _restore(
    starting: StartingMeter, pace: Pace, stack: ExitStack, pulse_file: PulseFile | None, *, is_alone: bool
) -> RunningMeter:
    """Return a meter with its state and its source, ready to run."""
    plan, port = starting.plan, starting.port
    assert plan.source is not None  # noqa: S101 - plan_from refuses a plan without one
    work = begin_work(plan, plan.source, starting.store, pulse_file, starting.wiring)
    stack.callback(work.close)
    thread = MeteringThread(work, pace)
    shown = Shown(
        port=port,
        instrument=Instrument(port),
        source=work.source.name,
        calendar=work.meter.calendar,
        switch=port.switch,
    )
    return RunningMeter(plan=plan, work=work, thread=thread, label="" if is_alone else f"{plan.name}: ", shown=shown)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """How the lines of a run are opened.

    Parameters
    ----------
    faults : FaultScript or None
        What befalls them.
    trace : TraceFile or None
        Where all that they carry is written.
    """

    faults: FaultScript | None
    trace: TraceFile | None

    async def open(
        self, lines: Sequence[Sequence[Listener]], stack: AsyncExitStack, tell: Callable[[str], None]
    ) -> dict[int, str]:
        """Open lines, to be closed with the stack; return where each listener is, by its `id`."""
        places: dict[int, str] = {}
        for line in lines:
            wanted, injector = [listener.url for listener in line], None
            if self.faults is not None and not wanted[0].is_mbus:
                injector = self.faults.injector(wanted, has_crc=wanted[0].is_rtu)
            teller = _fault_teller(wanted[0], tell)
            opened = await open_line(line, injector=injector, tell_fault=teller, tell=tell, trace=self.trace)
            stack.push_async_callback(opened.server.close)
            places |= {id(listener): text for listener, text in zip(line, opened.urls, strict=True)}
        return places


async def _run(
    starting: Sequence[StartingMeter],
    restore: Callable[[], list[RunningMeter]],
    pace: Pace,
    stop_asked: Callable[[], bool],
    lines: Lines,
    *,
    quiet: bool,
    panel: bool,
) -> tuple[list[RunningMeter], bool]:
    """Run to the end; return the meters, and whether the values have been on the screen.

    Lines are open, and answer that they are busy, while the meters are restored.
    """
    news: list[str] = []
    async with AsyncExitStack() as stack:
        listeners = [listener for meter in starting for listener in meter.listeners()]
        for remark in () if lines.faults is None else lines.faults.remarks([listener.url for listener in listeners]):
            say(remark)
        at_once = [line for line in lines_of(listeners) if not any(listener.waits for listener in line)]
        places = await lines.open(at_once, stack, news.append)
        meters = await asyncio.to_thread(restore)
        for begun, meter in zip(starting, meters, strict=True):
            begun.port.begin(meter.thread)
        later = [line for line in lines_of(listeners) if id(line[0]) not in places]  # what was kept is looked at here
        places |= await lines.open(later, stack, news.append)
        urls = [(listener, places[id(listener)]) for listener in listeners]
        pages = await _open_pages(meters, stack)
        await _open_controls(meters, stack)
        for meter in meters:
            for remark in meter.work.remarks:
                say(f"{meter.label}{remark}")
        watchable = [(meter.thread, _scene(meter, urls, pages)) for meter in meters]
        with watched(watchable, fast=pace.speed is None, quiet=quiet) as watching:
            for line in () if watching.is_live else _opening_lines(meters, urls, pages):
                say(line)
            for meter in meters:
                meter.thread.start()
            try:
                await (_show_panel(meters, stop_asked) if panel else _watch(meters, stop_asked, watching, news))
            finally:
                _stop(meters)
                for meter in meters:
                    meter.thread.join()
            watching.look(_taken(meters, news))
    for line in news:
        say(line)
    return meters, watching.is_live


async def _watch(meters: Sequence[RunningMeter], stop_asked: Callable[[], bool], watching: Watching, news: list[str]) -> None:
    """Look at the meters until all are done."""
    while not all(meter.thread.done.is_set() for meter in meters):
        is_over = stop_asked() or any(meter.thread.failure is not None for meter in meters)
        if is_over:
            _stop(meters)
        await asyncio.sleep(_SOON_S if is_over else watching.every_s)
        watching.look(_taken(meters, news))


async def _show_panel(meters: Sequence[RunningMeter], stop_asked: Callable[[], bool]) -> None:
    """Show the first meter as an instrument, until that is left, the meter has stopped, or a signal came."""
    from watthour.host.terminal.panel.app import Panel  # noqa: PLC0415 - it takes a while, and most runs have no panel

    meter = meters[0]
    await Panel(meter.shown, is_over=lambda: stop_asked() or meter.thread.done.is_set()).run_async()


def _stop(meters: Sequence[RunningMeter]) -> None:
    for meter in meters:
        meter.thread.stop()


def _taken(meters: Sequence[RunningMeter], news: list[str]) -> list[str]:
    """Return what happened to the lines and to the meters, and take it off the list."""
    taken, news[:] = news[:], []
    return [*taken, *(line for meter in meters for line in meter.news())]


Urls = Sequence[tuple[Listener, str]]
"""Where each listener is now."""


Pages = Mapping[str, str]
"""Where the page of each meter is that has one, by the name of its plan."""


def _scene(meter: RunningMeter, urls: Urls, pages: Pages) -> Scene:
    mine = [text for listener, text in urls if listener.owner == meter.plan.name]
    page = pages.get(meter.plan.name, "")
    return Scene(source=meter.work.source.name, rate_hz=meter.work.source.rate_hz, listeners=mine, page=page)


def _opening_lines(meters: Sequence[RunningMeter], urls: Urls, pages: Pages) -> list[str]:
    warnings = [f"{meter.label}{warning}" for meter in meters for warning in meter.thread.view.warnings]
    looks = [f"{meter.label}look at {pages[meter.plan.name]}" for meter in meters if meter.plan.name in pages]
    return [*(f"listening on {text}" for _, text in urls), *looks, *_read_only(urls), *warnings]


def _read_only(urls: Urls) -> list[str]:
    """Return a line for each address where nobody may write, and how to change that."""
    plain = [one for one, _ in urls if isinstance(one.url, TcpUrl) and not (one.url.is_mbus or one.url.is_tls)]
    shut = [one.url for one in plain if not one.access.rights_at(one.url).write]
    return [
        f"{url} is read-only, since others on the network reach it: writable = true in its [[listen]] changes that"
        for url in shut
    ]


async def _open_pages(meters: Sequence[RunningMeter], stack: AsyncExitStack) -> Pages:
    """Serve the page of each meter that is to have one, and return where they are."""
    if all(meter.plan.web is None for meter in meters):
        return {}
    from watthour.host.web.serving import serve_web  # noqa: PLC0415 - it takes a while, and most runs have no page

    pages = {}
    for meter in meters:
        if meter.plan.web is not None:
            server = await serve_web(meter.plan.web, meter.shown, token=meter.plan.web_token)
            stack.push_async_callback(server.close)
            pages[meter.plan.name] = server.url
    return pages


async def _open_controls(meters: Sequence[RunningMeter], stack: AsyncExitStack) -> None:
    """Open the control socket of each meter that keeps its state."""
    for meter in meters:
        keeping = meter.work.keeping
        if keeping.store is not None:
            await stack.enter_async_context(ControlSocket(keeping.store.path, meter.thread, keeping))


def _fault_teller(at: object, tell: Callable[[str], None]) -> Callable[[BusFault, Requested, int], None]:
    """Return what tells of the faults that strike on a line."""

    def tell_fault(fault: BusFault, asked: Requested, time_ns: int) -> None:
        detail = {"kind": str(fault.kind), "unit": str(asked.unit), "line": str(at)}
        tell(event_line(Event(time_ns=time_ns, kind=EventKind.FAULT_INJECTED, detail=detail)))

    return tell_fault


def result_of(view: View) -> dict[str, object]:
    """Return what ``--json`` prints of a meter at the end of a run."""
    return {
        "model": view.model,
        "serial": view.serial,
        "time": iso(view.time_ns),
        "samples": view.samples,
        "duration_s": view.duration_s,
        "values": dict(view.values),
        "exact": dict(view.exact),
        "diagnosis": [asdict(finding) for finding in view.diagnosis],
    }
