"""The head-end at work: lines read at each boundary, what was read kept, shown and passed on."""
