"""The meter driven through its accuracy class: loads of known energy, verdicts, error curves."""
