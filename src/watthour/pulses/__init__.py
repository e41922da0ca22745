"""Pulses in and out: counters made into flashes of the LEDs with their instants."""

from watthour.pulses.led import (
    LEDS,
    MICRO_PER_PULSE,
    MOST_PULSES_PER_S,
    PULSES_PER_KILO,
    Led,
    Pulses,
    Spans,
    flashes,
    led_count,
    led_energy,
)

__all__ = [
    "LEDS",
    "MICRO_PER_PULSE",
    "MOST_PULSES_PER_S",
    "PULSES_PER_KILO",
    "Led",
    "Pulses",
    "Spans",
    "flashes",
    "led_count",
    "led_energy",
]
