"""``watthour seal``, ``unseal``, ``set``, ``reset-partial``, ``close-period``: what is asked of a meter, running or at rest."""

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from watthour.errors import UsageError

if TYPE_CHECKING:
    from watthour.host.control import Request


def seal(directory: Path, /, *, secret_file: Path | None = None) -> None:
    """Close the seal of a meter: sealed settings change no more. The first time a new secret is asked for.

    The secret comes from the terminal, or from --secret-file, or from the environment variable WATTHOUR_SEAL_SECRET, or from the
    first line of standard input.

    Parameters
    ----------
    directory
        What --data named, or the directory of one meter in it.
    secret_file
        File whose first line is the secret.
    """
    from watthour.host.asking_secrets import new_secret  # noqa: PLC0415
    from watthour.host.control import ask_meter, done_or_raise, has_secret, meter_directory  # noqa: PLC0415

    path = meter_directory(directory)
    secret = None if has_secret(path) else new_secret(secret_file)
    done_or_raise(ask_meter(path, _request("seal", secret=secret)))
    sys.stdout.write(f"{path}: sealed\n")


def unseal(directory: Path, /, *, secret_file: Path | None = None) -> None:
    """Open the seal of a meter, so that sealed settings may be changed; wrong secrets are logged, and slow down the next.

    Parameters
    ----------
    directory
        What --data named, or the directory of one meter in it.
    secret_file
        File whose first line is the secret; else as watthour seal.
    """
    from watthour.host.asking_secrets import known_secret  # noqa: PLC0415
    from watthour.host.control import ask_meter, done_or_raise, has_secret, meter_directory  # noqa: PLC0415

    path = meter_directory(directory)
    secret = known_secret(secret_file) if has_secret(path) else None
    done_or_raise(ask_meter(path, _request("unseal", secret=secret)))
    sys.stdout.write(f"{path}: the seal is open\n")


def set_(target: str, /, *settings: str) -> None:
    """Change settings of a meter, all of them or none; over a bus one after the other.

    Parameters
    ----------
    target
        A data directory, or modbus+tcp://HOST:PORT and the like.
    settings
        NAME=VALUE, one or more.
    """
    wanted = _pairs(settings)
    if "://" in target:
        from watthour.host.lines import parse_url  # noqa: PLC0415
        from watthour.host.lines.writing import write_settings  # noqa: PLC0415

        asyncio.run(write_settings(parse_url(target), wanted))
    else:
        _ask(target, "set", wanted)
    sys.stdout.write(f"{target}: {', '.join(f'{name} = {value}' for name, value in wanted.items())}\n")


def reset_partial(target: str, /) -> None:
    """Begin the partial counters, their cost, CO2 and hours again at 0.

    Parameters
    ----------
    target
        A data directory, or modbus+tcp://HOST:PORT and the like.
    """
    _command(target, "reset-partial", "partial_reset")
    sys.stdout.write(f"{target}: the partial counters begin again at 0\n")


def close_period(target: str, /) -> None:
    """Close the billing period: registers and maxima are frozen, maxima begin again; it holds from the next sample on.

    Parameters
    ----------
    target
        A data directory, or modbus+tcp://HOST:PORT and the like.
    """
    _command(target, "close-period", "close_period")
    sys.stdout.write(f"{target}: the billing period is closed\n")


def _command(target: str, do: str, register: str) -> None:
    if "://" in target:
        from watthour.host.lines import parse_url  # noqa: PLC0415
        from watthour.host.lines.writing import command  # noqa: PLC0415

        asyncio.run(command(parse_url(target), register))
    else:
        _ask(target, do, {})


def _ask(target: str, do: str, settings: dict[str, str]) -> None:
    from watthour.host.control import ask_meter, done_or_raise, meter_directory  # noqa: PLC0415

    done_or_raise(ask_meter(meter_directory(Path(target)), _request(do, settings)))


def _request(do: str, settings: dict[str, str] | None = None, secret: str | None = None) -> "Request":
    from watthour.host.control import Request  # noqa: PLC0415

    return Request(do=do, settings=settings or {}, secret=secret)


def _pairs(settings: tuple[str, ...]) -> dict[str, str]:
    """Return settings by name."""
    wanted = {}
    for text in settings:
        name, equals, value = text.partition("=")
        if not (name and equals) or name in wanted:
            msg = f"{text}: write NAME=VALUE, each name once, such as cost_per_kwh=0.21"
            raise UsageError(msg)
        wanted[name] = value
    if not wanted:
        msg = "nothing to set: write NAME=VALUE, such as cost_per_kwh=0.21"
        raise UsageError(msg)
    return wanted
