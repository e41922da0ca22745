"""One run of a meter from its start to its end: source, thread, listeners, screen, and what is printed.

The main thread is the buses' and the screen's; the meter has a thread of its own. Signals ask it to stop; its
state is kept before the program ends.
"""

import asyncio
import json
import signal
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack, ExitStack

from rich.console import Console

from watthour.host.config import Plan
from watthour.host.instants import iso
from watthour.host.lines import BusUrl, serve_modbus_tcp
from watthour.host.metering import MeteringThread, Pace, Work, begin_work
from watthour.host.store import DataDirectory
from watthour.host.terminal import Scene, event_line, phase_table, register_table, say, watched
from watthour.view import Command, Outcome, View


class ThreadPort:
    """A meter on its own thread, as a bus asks it.

    Parameters
    ----------
    thread : MeteringThread
    """

    def __init__(self, thread: MeteringThread) -> None:
        self._thread = thread

    def view(self) -> View:
        """Return the view last published."""
        return self._thread.view

    async def ask(self, command: Command) -> Outcome:
        """Hand a command to the thread and wait for its outcome."""
        return await asyncio.wrap_future(self._thread.submit(command))


def run_meter(plan: Plan, pace: Pace, *, as_json: bool) -> None:
    """Meter what a plan says, and print the result.

    Raises
    ------
    WatthourError
        What stopped the run, in one line; the state metered so far is kept.
    """
    with ExitStack() as stack:
        store = None
        if plan.data is not None:
            store = stack.enter_context(DataDirectory(plan.data, int(str(plan.setting("serial")))))
        assert plan.source is not None  # noqa: S101 - plan_from refuses a plan without one
        work = begin_work(plan, plan.source, store)
        for remark in work.remarks:
            say(remark)
        thread = MeteringThread(work, pace)
        shown = asyncio.run(_run(thread, work, plan.listen, pace, quiet=as_json))
    if thread.failure is not None:
        raise thread.failure
    if as_json:
        sys.stdout.write(json.dumps(result_of(thread.view)) + "\n")
        sys.stdout.flush()
    elif not shown:
        Console().print(phase_table(thread.view.values), register_table(thread.view.values))


async def _run(thread: MeteringThread, work: Work, listen: Sequence[BusUrl], pace: Pace, *, quiet: bool) -> bool:
    """Run to the end, and say whether the values have been on the screen."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, thread.stop)
    async with AsyncExitStack() as stack:
        listeners = []
        for url in listen:
            server = await serve_modbus_tcp(url, [ThreadPort(thread)])
            stack.push_async_callback(server.close)
            host, port = server.address
            listeners.append(str(BusUrl(scheme=url.scheme, host=host, port=port, unit=url.unit)))
        scene = Scene(source=work.source.name, rate_hz=work.source.rate_hz, listeners=listeners)
        with watched(thread, scene, fast=pace.speed is None, quiet=quiet) as watching:
            told = () if watching.is_live else (*(f"listening on {text}" for text in listeners), *thread.view.warnings)
            for line in told:
                say(line)
            thread.start()
            try:
                while not thread.done.is_set():
                    await asyncio.sleep(watching.every_s)
                    watching.look([event_line(event) for event in thread.take_events()])
            finally:
                thread.stop()
                thread.join()
                watching.look([event_line(event) for event in thread.take_events()])
    return watching.is_live


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
    }
