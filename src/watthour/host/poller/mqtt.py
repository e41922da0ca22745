"""Messages for an MQTT broker, with discovery for Home Assistant.

Topics, below the prefix::

    PREFIX/status                 online, or offline (the broker's word when the poll is gone)
    PREFIX/PLACE/availability     online while its meter answers, else offline
    PREFIX/PLACE/state            a JSON object: values by name, the place's energies, time and serial
    PREFIX/PLACE/interval         a JSON object for each interval, in order, once
    PREFIX/PLACE/event            a JSON object for each event, in order, once

State and availability are of now, retained, and sent again after a reconnection. Intervals and events are kept in the archive's outbox in
the transaction that made them, until the broker has acknowledged them; what exceeds the limit is let go, the oldest first.
"""

import asyncio
import json
import ssl
import time
from collections.abc import Callable, Iterator

import aiomqtt
from sqlalchemy import delete, func, select

from watthour import __version__
from watthour.errors import StoreError
from watthour.headend.counting import Grid
from watthour.headend.reading import Reading
from watthour.host.archive.database import Archive
from watthour.host.archive.recording import Letter, Recorded
from watthour.host.archive.tables import OUTBOX
from watthour.host.instants import iso, now_ns
from watthour.host.poller.config import Broker
from watthour.host.poller.latest import Latest, Newest
from watthour.host.poller.showing import as_plain
from watthour.units import ENERGIES, MICRO, VALUE_BY_NAME, energy_name

ONLINE, OFFLINE = "online", "offline"
_BATCH = 200
_DROPPED_AT_ONCE = 10_000
_LOOK_S = 0.2
_RETRY_S = (0.5, 1.0, 2.0, 5.0, 15.0)

_CLASSES = {
    "V": "voltage", "A": "current", "W": "power", "var": "reactive_power", "VA": "apparent_power", "Hz": "frequency",
    "Wh": "energy",
}  # fmt: skip
"""Home Assistant's device classes by unit."""

_SHOWN = (
    "power_w", "reactive_var", "apparent_va", "power_factor", "frequency_hz",
    *(f"{stem}_{phase}_{unit}" for stem, unit in (("voltage", "v"), ("current", "a"), ("power", "w")) for phase in ("l1", "l2", "l3")),
)  # fmt: skip
"""Values that become entities of their own, beside the energies; the state holds the others too."""


class Messages:
    """Topics and payloads."""

    def __init__(self, broker: Broker, grid: Grid) -> None:
        self.broker = broker
        self._grid = grid

    @property
    def status_topic(self) -> str:
        """Where the poll itself says that it is there."""
        return f"{self.broker.prefix}/status"

    def topic(self, place: str, word: str) -> str:
        """Return a topic of a place."""
        return f"{self.broker.prefix}/{place}/{word}"

    def of_recorded(self, told: Recorded) -> list[Letter]:
        """Return what must arrive once: intervals and events."""
        plain = as_plain(told)
        letters = []
        for word in ("interval", "event"):
            for each in plain[f"{word}s"]:  # type: ignore[attr-defined]
                content = {"place": told.place, "time": plain["time"], "serial": plain["serial"], **each}
                letters.append(Letter(topic=self.topic(told.place, word), payload=json.dumps(content)))
        return letters

    def state(self, newest: Newest, reading: Reading) -> str:
        """Return the state of a place, which was read."""
        counted = {} if newest.count is None else newest.count.total
        totals = {f"total_{energy_name(energy)}": micro / MICRO for energy, micro in counted.items()}
        content = {"time": iso(reading.time_ns), "serial": reading.serial, **newest.values(), **totals}
        return json.dumps(content)

    def availability(self, newest: Newest, at_ns: int) -> str:
        """Return whether the values of a place hold."""
        return ONLINE if newest.is_available(at_ns, self._grid.step_ns) else OFFLINE

    def discovery(self, newest: Newest) -> Iterator[tuple[str, str]]:
        """Yield topic and payload of each entity of a place, as Home Assistant discovers them."""
        if not self.broker.discovery or newest.reading is None:
            return
        place_id = "".join(letter if letter.isascii() and letter.isalnum() else "_" for letter in newest.place)
        names = [name for name in _SHOWN if name in newest.reading.values]
        names += [energy_name(energy) for energy in ENERGIES if energy in newest.reading.counters]
        for name in names:
            value = VALUE_BY_NAME[name]
            is_energy = value.unit in {"Wh", "varh"}
            key = f"total_{name}" if is_energy else name
            content: dict[str, object] = {
                "name": value.meaning,
                "unique_id": f"watthour_{place_id}_{name}",
                "object_id": f"{place_id}_{name}",
                "state_topic": self.topic(newest.place, "state"),
                "value_template": "{{ value_json.%s }}" % key,  # noqa: UP031 - braces are the template's
                "state_class": "total_increasing" if is_energy else "measurement",
                "availability": [{"topic": self.status_topic}, {"topic": self.topic(newest.place, "availability")}],
                "availability_mode": "all",
                "device": {
                    "identifiers": [f"watthour_{place_id}"],
                    "name": newest.place,
                    "model": newest.reading.model,
                    "serial_number": newest.reading.serial,
                },
                "origin": {"name": "watthour", "sw_version": __version__},
            }
            if value.unit != "1":
                content["unit_of_measurement"] = value.unit
            if value.unit in _CLASSES:
                content["device_class"] = _CLASSES[value.unit]
            elif name == "power_factor":
                content["device_class"] = "power_factor"
            yield f"{self.broker.discovery}/sensor/watthour_{place_id}/{name}/config", json.dumps(content)


class Publisher:
    """The connection to a broker, made again as often as it breaks."""

    def __init__(self, messages: Messages, archive: Archive, latest: Latest, *, tell: Callable[[str], None]) -> None:
        self._messages = messages
        self._broker = messages.broker
        self._archive = archive
        self._latest = latest
        self._tell = tell
        self._failures = 0
        self._sent: dict[str, str] = {}
        self._is_flushed = asyncio.Event()

    async def run(self) -> None:
        """Publish for ever; a broker that is away is told once and tried again."""
        while True:
            try:
                async with self._client() as client:
                    self._sent = {}
                    await client.publish(self._messages.status_topic, ONLINE, qos=1, retain=True)
                    if self._failures:
                        self._tell(f"{self._where}: the broker answers again")
                    self._failures = 0
                    try:
                        while True:
                            await self._publish(client)
                            await asyncio.sleep(_LOOK_S)
                    except asyncio.CancelledError:
                        await client.publish(self._messages.status_topic, OFFLINE, qos=1, retain=True, timeout=2.0)
                        raise
            except (aiomqtt.MqttError, OSError) as problem:
                if not self._failures:
                    self._tell(f"{self._where}: the broker does not answer ({problem}); messages wait in the store")
                self._is_flushed.clear()
                await self._bound()
                await asyncio.sleep(_RETRY_S[min(self._failures, len(_RETRY_S) - 1)])
                self._failures += 1

    async def flushed(self, timeout_s: float) -> bool:
        """Wait until everything is delivered; whether it is."""
        end_s = time.monotonic() + timeout_s
        while not self._failures and time.monotonic() < end_s:
            self._is_flushed.clear()
            try:
                async with asyncio.timeout(1.0):
                    await self._is_flushed.wait()
            except TimeoutError:
                continue
            return True
        return False

    @property
    def _where(self) -> str:
        return f"mqtt://{self._broker.host}:{self._broker.port}"

    def _client(self) -> aiomqtt.Client:
        return aiomqtt.Client(
            self._broker.host,
            self._broker.port,
            username=self._broker.user,
            password=self._broker.password,
            will=aiomqtt.Will(self._messages.status_topic, OFFLINE, qos=1, retain=True),
            tls_context=ssl.create_default_context() if self._broker.tls else None,
            timeout=5.0,
        )

    async def _publish(self, client: aiomqtt.Client) -> None:
        """Send what is new: entities, availability and state of now; then the outbox, in order."""
        at_ns = now_ns()
        for newest in tuple(self._latest.places.values()):
            for topic, payload in self._messages.discovery(newest):
                await self._send(client, topic, payload)
            if newest.reading is not None:
                await self._send(
                    client, self._messages.topic(newest.place, "state"), self._messages.state(newest, newest.reading)
                )
            availability = self._messages.availability(newest, at_ns)
            await self._send(client, self._messages.topic(newest.place, "availability"), availability)
        await self._bound()
        while letters := await asyncio.to_thread(self._waiting):
            for _, topic, payload in letters:
                await client.publish(topic, payload, qos=1)
            if not await asyncio.to_thread(self._delivered, [id_ for id_, *_ in letters]):
                return
        self._is_flushed.set()

    async def _send(self, client: aiomqtt.Client, topic: str, payload: str) -> None:
        if self._sent.get(topic) != payload:
            await client.publish(topic, payload, qos=1, retain=True)
            self._sent[topic] = payload

    def _waiting(self) -> list[tuple[int, str, str]]:
        try:
            with self._archive.reading() as connection:
                query = select(OUTBOX.c.id, OUTBOX.c.topic, OUTBOX.c.payload).order_by(OUTBOX.c.id).limit(_BATCH)
                return [(id_, topic, payload) for id_, topic, payload in connection.execute(query)]
        except StoreError:
            return []  # the store is away; whoever keeps readings tells so

    def _delivered(self, ids: list[int]) -> bool:
        """Forget what is delivered; whether the store let us. What it could not forget is delivered again."""
        try:
            with self._archive.writing() as connection:
                connection.execute(delete(OUTBOX).where(OUTBOX.c.id.in_(ids)))
        except StoreError:
            return False
        return True

    async def _bound(self) -> None:
        dropped = await asyncio.to_thread(self._drop_oldest)
        if dropped:
            self._tell(f"{self._where}: {dropped} messages more than {self._broker.queue} wait: the oldest are let go")

    def _drop_oldest(self) -> int:
        try:
            with self._archive.reading() as connection:
                count = connection.scalar(select(func.count()).select_from(OUTBOX)) or 0
            if count <= self._broker.queue:
                return 0
            with self._archive.writing() as connection:
                oldest = select(OUTBOX.c.id).order_by(OUTBOX.c.id).limit(min(count - self._broker.queue, _DROPPED_AT_ONCE))
                ids = list(connection.scalars(oldest))
                connection.execute(delete(OUTBOX).where(OUTBOX.c.id.in_(ids)))
                return len(ids)
        except StoreError:
            return 0
