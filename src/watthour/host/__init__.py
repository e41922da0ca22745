"""All side effects: files, ports, threads, clocks and screens."""
