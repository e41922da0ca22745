"""A page over a real meter that nobody meters: its interface asked in this process, without a port."""

import asyncio
from dataclasses import dataclass, field

import pytest
from starlette.testclient import TestClient

from watthour.host.calendars import read_calendar
from watthour.host.instrument import Instrument, Shown
from watthour.host.web.broadcasting import Broadcast
from watthour.host.web.serving import application
from watthour.meter import Meter, first_state
from watthour.view import Outcome, Verdict

LOCAL = "http://127.0.0.1:8311"


@dataclass
class Direct:
    """A meter asked straight away; `asked` is what it was asked."""

    meter: Meter
    asked: list = field(default_factory=list)

    def view(self):
        return self.meter.view()

    def sample_time_s(self):
        return 0.0

    async def ask(self, command):
        self.asked.append(command)
        return self.meter.command(command, 0)


@dataclass
class Page:
    """A page, its meter, and what was done to its contacts."""

    port: Direct
    app: object
    client: TestClient
    switched: list


@pytest.fixture
def make_page(tmp_path):
    def make(token="", base_url=LOCAL, calendar="es/3.0TD/peninsula", **settings):
        read = None if calendar is None else read_calendar(calendar, folder=tmp_path)
        port = Direct(Meter(first_state({"serial": 7, **settings}), read, software_id="ab" * 32))
        switched = []

        async def switch(contact, closed):
            await asyncio.sleep(0)
            switched.append((contact, closed))
            return Outcome(verdict=Verdict.DONE)

        shown = Shown(port=port, instrument=Instrument(port), source="a test", calendar=read, switch=switch)
        folder = tmp_path / "static"
        folder.mkdir(exist_ok=True)
        (folder / "index.html").write_text("<!doctype html><title>page</title>")
        app = application(shown, Broadcast(shown), folder, token)
        return Page(port, app, TestClient(app, base_url=base_url, follow_redirects=False), switched)

    return make


@pytest.fixture
def page(make_page):
    return make_page()
