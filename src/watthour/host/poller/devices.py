"""Devices by name or by file: those of the package, and people's own."""

from pathlib import Path

from watthour import maps
from watthour.errors import UsageError
from watthour.headend.device import Device
from watthour.headend.device_file import DeviceFile
from watthour.host.toml_files import check_toml, read_toml

FOLDER = Path(maps.__file__).parent / "devices"


def device_names() -> list[str]:
    """Return the names of the devices that the package holds."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def device_of(name: str, folder: Path) -> Device:
    """Return a device of the package, or that of a file; a file's name ends in .toml and counts from `folder`.

    Raises
    ------
    UsageError
        If there is none of that name.
    ConfigError
        With file and line, where the file describes none.
    """
    if name.endswith(".toml"):
        return read_device(folder / name)
    if name not in device_names():
        msg = f"{name}: no such device; there are {', '.join(device_names())} (a file of yours ends in .toml)"
        raise UsageError(msg)
    return read_device(FOLDER / f"{name}.toml")


def read_device(path: Path) -> Device:
    """Return the device that a file describes.

    Raises
    ------
    ConfigError
        With file and line, where it describes none.
    """
    return check_toml(str(path), read_toml(path), DeviceFile).device(path.stem)
