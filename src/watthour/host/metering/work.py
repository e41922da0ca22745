"""What a run meters: a meter with what it remembers, and its source at the place where it left off."""

from dataclasses import dataclass

from watthour.errors import SealedError
from watthour.host.config import Plan, SourceWish
from watthour.host.instants import DEFAULT_START_NS
from watthour.host.metering.clock import SampleClock
from watthour.host.networks import open_network
from watthour.host.recordings import open_recording
from watthour.host.store import DataDirectory, Kept
from watthour.meter import Meter, MeterState, first_state
from watthour.parameters import Setting, parameter
from watthour.waveform.source import Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """A meter and its source, ready to run.

    Parameters
    ----------
    store : DataDirectory or None
        Open; None where state lives in memory.
    finished : bool
        Whether an earlier run has already metered this source to its end.
    remarks : tuple of str
        What the user should know before it begins, one line each.
    """

    meter: Meter
    source: Source
    clock: SampleClock
    store: DataDirectory | None
    finished: bool
    remarks: tuple[str, ...]

    @property
    def first_sample(self) -> int:
        """Index in the source of the first sample that is still to be metered."""
        return self.meter.state.position or 0

    def save(self, *, finished: bool) -> None:
        """Keep the meter's state, if it is kept at all."""
        if self.store is not None:
            self.store.save(Kept(source=self.source.identity, finished=finished, state=self.meter.state))


def begin_work(plan: Plan, wish: SourceWish, store: DataDirectory | None) -> Work:
    """Return the work of a run: the source opened, the meter new or as it was kept.

    Raises
    ------
    SourceError, ConfigError
        If the source cannot be used.
    StoreError
        If what was kept cannot be believed.
    SealedError
        If a sealed setting differs from the one kept, naming both.
    """
    kept = store.load() if store is not None else None
    source = _open_source(plan, wish)
    start_ns = wish.start_ns if wish.start_ns is not None else source.start_ns
    clock = SampleClock(0, DEFAULT_START_NS if start_ns is None else start_ns, source.rate_hz)
    remarks: tuple[str, ...] = ()
    if kept is None:
        meter, finished = Meter(first_state(plan.settings)), False
        if store is None:
            remarks = ("state lives in memory only: name a directory with --data to keep it",)
    else:
        state, remarks = _with_settings(kept.state, plan)
        meter, finished = Meter(state), kept.finished and kept.source == source.identity
        if kept.source != source.identity:
            meter.change_source()
            remarks = (*remarks, "another source than before: the registers go on")
    already = () if not finished else ("this source has already been metered to its end",)
    return Work(
        meter=meter,
        source=source,
        clock=clock,
        store=store,
        finished=finished,
        remarks=(*source.remarks, *remarks, *already),
    )


def _open_source(plan: Plan, wish: SourceWish) -> Source:
    ct, vt = plan.ratio("ct"), plan.ratio("vt")
    if wish.is_network:
        return open_network(wish.path, ct=ct, vt=vt, start_ns=wish.start_ns)
    return open_recording(
        wish.path,
        channels=wish.channels,
        values=wish.values,
        ct=ct,
        vt=vt,
        scale=wish.scale,
        rate_hz=wish.rate_hz,
    )


def _with_settings(state: MeterState, plan: Plan) -> tuple[MeterState, tuple[str, ...]]:
    """Return the state kept, and a remark for each unsealed setting in which it overrules the plan."""
    different = {name: value for name, value in plan.settings.items() if state.settings[name] != value}
    for name, value in different.items():
        if parameter(name).sealed:
            raise SealedError(name, f"{value} is asked for, but this meter was sealed with {state.settings[name]}")
    return state, tuple(_overruled(name, state.settings[name], value) for name, value in different.items())


def _overruled(name: str, kept: Setting, asked: Setting) -> str:
    return f"{name} stays {kept}, as this meter keeps it; {asked} was asked for"
