"""Where samples come from: decoded recordings and simulated installations, as blocks at the meter's terminals."""
