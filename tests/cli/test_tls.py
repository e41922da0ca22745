"""Certificates made, a meter in TLS read with them, a refusal told, and all of it in a trace that tshark reads in the clear."""

import json
import signal
import subprocess


def test_certificates_made_here_open_a_meter_and_a_role_says_how_far(start, config, ask, tmp_path, require_program):
    status, out, err = ask("tls", "init", tmp_path / "keys")
    assert (status, err) == (0, [])
    assert len(out) == 10
    assert ask("tls", "client", tmp_path / "keys", "nobody")[0] == 0
    assert ask("tls", "init", tmp_path / "keys")[0] == 2
    files = "certificate={0}/{1}.pem&key={0}/{1}.key&ca={0}/ca.pem"
    listen = f"modbus+tls://127.0.0.1:0?{files.format(tmp_path / 'keys', 'station')}"
    program = start("run", config, "--listen", listen, "--json", "--trace", tmp_path / "line.pcap")
    place = program.url().partition("?")[0]
    status, out, err = ask("read", f"{place}?{files.format(tmp_path / 'keys', 'reader')}", "--json")
    assert (status, err) == (0, [])
    assert json.loads(out[0])["serial"] == 42
    status, _, err = ask("read", f"{place}?{files.format(tmp_path / 'keys', 'nobody')}")
    assert (status, len(err)) == (1, 1)
    assert "exception 01" in err[0]
    assert "role (none), function 03h" in program.hear("refused: 127.0.0.1:")
    assert program.end(signal.SIGINT)[0] == 0
    command = [
        require_program("tshark"),
        "-r",
        tmp_path / "line.pcap",
        "-Y",
        "modbus",
        "-T",
        "fields",
        "-e",
        "modbus.exception_code",
    ]
    codes = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout.splitlines()
    assert codes.count("1") == 1
    assert len(codes) > 10
