"""The instrument in a terminal: its glass and LEDs, two keys, and what a person wants to see beside them."""
