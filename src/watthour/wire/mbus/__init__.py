"""M-Bus (EN 13757-2 and -3): bytes to frames, frames to telegrams, telegrams to records, and back, for both ends."""
