"""Modbus in TLS: certificates of both ends, roles, and what each role may do, over real sockets."""

import asyncio
import ssl
import subprocess

import pytest

from watthour.errors import NoAnswerError, UsageError
from watthour.host.certificates import make_ca, make_certificate, read_ca
from watthour.host.lines import parse_url, read_values
from watthour.host.lines.access import DEFAULT_ROLES, LineAccess, Refusals
from watthour.host.lines.modbus_server import TcpOptions, serve_modbus_tcp
from watthour.host.lines.secure import client_context, role_in
from watthour.maps.modbus import BITS, LIVE
from watthour.maps.register import Access, BitTable
from watthour.station.rights import rights_of
from watthour.view import Outcome, Verdict

PATIENCE_S = 10.0
ROLES = (*DEFAULT_ROLES, rights_of("energy", ["*_wh", "validity_*"], ["cost_per_kwh", "partial_reset"]))
MAY_READ = {"reader": lambda _: True, "operator": lambda _: True, "engineer": lambda _: True,
            "energy": lambda name: name.endswith("_wh") or name.startswith("validity_"), "guest": lambda _: False,
            None: lambda _: False}  # fmt: skip
COMMANDS = {"partial_reset", "close_period", "rate_select", *(f"select_t{n}" for n in range(1, 9))}
MAY_WRITE = {"reader": lambda _: False, "operator": lambda name: name in COMMANDS, "engineer": lambda _: True,
             "energy": lambda name: name in {"cost_per_kwh", "partial_reset"}, "guest": lambda _: False, None: lambda _: False}  # fmt: skip


class Meter:
    def __init__(self, view):
        self.shown, self.asked = view, []

    def view(self):
        return self.shown

    async def ask(self, command):
        self.asked.append(command)
        return Outcome(verdict=Verdict.DONE)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A CA with a station, a client of each role, one without a role; and one of a CA that nobody knows."""
    folder = tmp_path_factory.mktemp("tls")
    ca = make_ca()
    ca.write(folder, "ca")
    make_certificate(ca, "station", hosts=["127.0.0.1", "localhost"]).write(folder, "station")
    for role in (*MAY_READ, "other"):
        make_certificate(ca, str(role), role=role).write(folder, str(role))
    other = make_ca("another CA")
    other.write(folder, "other_ca")
    make_certificate(other, "stranger", role="engineer").write(folder, "stranger")
    return folder


def files(folder, name, ca="ca"):
    return f"certificate={folder}/{name}.pem&key={folder}/{name}.key&ca={folder}/{ca}.pem"


def with_station(story, folder, meter, told=None, **options):
    async def run():
        url = parse_url(f"modbus+tls://127.0.0.1:0?{files(folder, 'station')}")
        words = {"access": LineAccess(roles=ROLES), **options}
        server = await serve_modbus_tcp(
            url, [meter], options=TcpOptions(**words), tell_denied=Refusals([].append if told is None else told.append)
        )
        try:
            return await asyncio.wait_for(story(server.address[1]), 60)
        finally:
            await server.close()

    return asyncio.run(run())


def url_for(folder, name, port, host="127.0.0.1", ca="ca"):
    return parse_url(f"modbus+tls://{host}:{port}?{files(folder, name, ca)}")


async def ask_all(folder, name, port, pdus):
    """Ask one after the other over one connection, and return the replies' PDUs."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=client_context(url_for(folder, name, port)))
    replies = []
    for pdu in pdus:
        writer.write(b"\0\1\0\0" + (len(pdu) + 1).to_bytes(2, "big") + b"\1" + pdu)
        head = await asyncio.wait_for(reader.readexactly(6), PATIENCE_S)
        replies.append((await reader.readexactly(int.from_bytes(head[4:], "big")))[1:])
    writer.close()
    return replies


def requests_of():
    """Yield name, whether it writes, and a PDU: each register by 03, 04, 10h, 06 and 17h, each bit by its functions."""
    for row in LIVE:
        span = row.address.to_bytes(2, "big") + row.registers.to_bytes(2, "big")
        yield row.name, False, b"\3" + span
        yield row.name, False, b"\4" + span
        if row.access is not Access.READ:
            value = (
                bytes(2 * row.registers - 1) + b"\1"
                if "select" not in row.name or "rate" in row.name
                else bytes(2 * row.registers)
            )
            yield row.name, True, b"\x10" + span + bytes([len(value)]) + value
            if row.registers == 1:
                yield row.name, True, b"\6" + span[:2] + value
    for bit in BITS:
        function = b"\1" if bit.table is BitTable.COIL else b"\2"
        yield bit.name, False, function + bit.address.to_bytes(2, "big") + b"\0\1"
        if bit.table is BitTable.COIL:
            yield bit.name, True, b"\5" + bit.address.to_bytes(2, "big") + b"\xff\0"


@pytest.mark.parametrize("role", MAY_READ, ids=str)
def test_every_role_gets_from_every_register_by_every_function_what_its_table_says(folder, make_view, role):
    meter, asked = Meter(make_view()), list(requests_of())

    async def story(port):
        return await ask_all(folder, str(role), port, [pdu for _, _, pdu in asked])

    told = []
    replies = with_station(story, folder, meter, told)
    writes = 0
    for (name, is_write, pdu), reply in zip(asked, replies, strict=True):
        selects = name in {"profile_select", "closing_select"}
        may = MAY_WRITE[role](name) or (selects and MAY_READ[role](name)) if is_write else MAY_READ[role](name)
        assert (reply[0] == pdu[0]) if may else (reply == bytes([pdu[0] | 0x80, 1])), (name, pdu.hex(), reply.hex())
        writes += is_write and may and not selects
    assert len(meter.asked) == writes
    if role in {"guest", None}:
        assert all("refused: 127.0.0.1:" in line and f"role {role or '(none)'}" in line for line in told)
        assert told


def test_a_17h_needs_both_rights(folder, make_view):
    meter = Meter(make_view())
    both = bytes.fromhex("17 0000 0002 00B0 0002 04 00000001")
    wrong = [bytes.fromhex("17 0746 0002 00B0 0002 04 00000001"), bytes.fromhex("17 0000 0002 00B2 0002 04 00000001")]

    async def story(port):
        return await ask_all(folder, "energy", port, [both, *wrong])

    replies = with_station(story, folder, meter)
    assert [reply[0] for reply in replies] == [0x17, 0x97, 0x97]
    assert len(meter.asked) == 1


def test_our_reader_reads_with_a_certificate_and_not_without(folder, make_view):
    meter = Meter(make_view())

    async def story(port):
        read = await read_values(url_for(folder, "reader", port))
        troubles = []
        for url in (
            url_for(folder, "stranger", port),
            url_for(folder, "reader", port, ca="other_ca"),
            parse_url(f"modbus+tcp://127.0.0.1:{port}"),
        ):
            with pytest.raises(NoAnswerError) as trouble:
                await read_values(url, timeout_s=2)
            troubles.append(str(trouble.value).split(": ", 1)[1])
        again = await read_values(url_for(folder, "reader", port, host="localhost"))
        return read, troubles, again

    read, troubles, again = with_station(story, folder, meter)
    assert read.values == again.values
    assert read.values["import_wh"] == meter.shown.values["import_wh"]
    assert "its certificate is not accepted" in troubles[1]
    assert all("\n" not in trouble for trouble in troubles)


def test_a_reader_is_told_that_a_station_speaks_no_tls(folder, make_view):
    async def run():
        server = await serve_modbus_tcp(parse_url("modbus+tcp://127.0.0.1:0"), [Meter(make_view())])
        try:
            await asyncio.wait_for(read_values(url_for(folder, "reader", server.address[1])), 60)
        finally:
            await server.close()

    with pytest.raises(NoAnswerError, match=r"before TLS was agreed on: does it speak TLS\?$"):
        asyncio.run(run())


def test_a_client_without_a_certificate_or_with_tls_1_1_hears_nothing(folder, make_view):
    async def story(port):
        bare = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        bare.load_verify_locations(f"{folder}/ca.pem")
        heard = []
        for context in (bare, _old(folder)):
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
                writer.write(bytes.fromhex("0001 0000 0006 01 03 0000 0002"))
                heard.append(await reader.read())
            except OSError:
                heard.append(b"")
        return heard

    assert with_station(story, folder, Meter(make_view())) == [b"", b""]


def _old(folder):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(f"{folder}/ca.pem")
    context.load_cert_chain(f"{folder}/reader.pem", f"{folder}/reader.key")
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    return context


def test_a_peer_that_never_shakes_hands_is_dropped_and_costs_nobody_anything(folder, make_view):
    async def story(port):
        silent, writer = await asyncio.open_connection("127.0.0.1", port)
        read = await read_values(url_for(folder, "reader", port))
        writer.write(b"\x16\x03\x01")
        heard = await asyncio.wait_for(silent.read(), PATIENCE_S)
        writer.close()
        return read.serial, heard

    assert with_station(story, folder, Meter(make_view()), frame_timeout_s=0.5) == (23612001, b"")


@pytest.mark.parametrize(
    ("content", "role"),
    [(b"\x0c\x06reader", "reader"), (b"\x0c\x00", ""), (b"\x16\x06reader", ""), (b"\x0c\x07reader", ""), (b"\x0c\x05reader", ""),
     (b"\x0c\x02\xff\xff", ""), (b"\x0c", ""), (b"", ""), (b"\x0c\x81\x06reader", "")],
)  # fmt: skip
def test_a_role_is_one_utf8_string(monkeypatch, content, role):
    monkeypatch.setattr("watthour.host.certificates.role_extension", lambda _: content)
    from cryptography.hazmat.primitives.serialization import Encoding  # noqa: PLC0415

    pair = make_certificate(make_ca(), "client", role="any")
    assert role_in(pair.certificate.public_bytes(Encoding.DER)) == role


def test_openssl_verifies_the_chain_and_sees_the_role(folder, require_program):
    openssl = require_program("openssl")
    verify = [openssl, "verify", "-purpose", "sslclient", "-CAfile", folder / "ca.pem", folder / "operator.pem"]
    assert subprocess.run(verify, capture_output=True, text=True, check=False, timeout=60).stdout.endswith("OK\n")
    verify[3], verify[-1] = "sslserver", folder / "station.pem"
    assert subprocess.run(verify, capture_output=True, text=True, check=False, timeout=60).stdout.endswith("OK\n")
    verify[-2] = folder / "other_ca.pem"
    assert subprocess.run(verify, capture_output=True, text=True, check=False, timeout=60).returncode
    shown = subprocess.run(
        [openssl, "x509", "-in", folder / "operator.pem", "-text", "-noout"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert "1.3.6.1.4.1.50316.802.1:" in shown.stdout
    assert "..operator" in shown.stdout


def test_keys_are_their_owners_alone_and_never_written_over(folder):
    assert (folder / "ca.key").stat().st_mode & 0o777 == 0o600
    with pytest.raises(UsageError, match=r"ca\.pem: File exists"):
        read_ca(folder).write(folder, "ca")
    with pytest.raises(UsageError, match="no CA"):
        read_ca(folder.parent)
    with pytest.raises(UsageError, match="127 fit"):
        make_certificate(read_ca(folder), "long", role="r" * 128)


@pytest.mark.parametrize(
    ("query", "words"),
    [("", "no certificate=FILE"), ("?certificate={0}/station.pem&key={0}/station.key", "no ca=FILE"),
     ("?certificate={0}/x.pem&key={0}/station.key&ca={0}/ca.pem", "no such file"),
     ("?certificate={0}/station.pem&key={0}/reader.key&ca={0}/ca.pem", "cannot be used")],
)  # fmt: skip
def test_files_that_cannot_be_used_are_one_line(folder, query, words):
    with pytest.raises(UsageError, match=words) as refusal:
        client_context(parse_url(f"modbus+tls://127.0.0.1{query.format(folder)}"))
    assert "\n" not in str(refusal.value)
