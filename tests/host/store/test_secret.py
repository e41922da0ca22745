"""The seal's secret: right or wrong, never kept itself, slower with each wrong attempt."""

import hashlib
from dataclasses import asdict

from watthour.host.store.secret import after_attempt, delay_s, is_right, secret_of


def test_the_secret_opens_and_nothing_else_does():
    secret = secret_of("blue elephant")
    assert is_right(secret, "blue elephant")
    for wrong in ("", "blue elephan", "blue elephant ", "Blue elephant"):
        assert not is_right(secret, wrong)


def test_the_same_secret_is_never_kept_twice_alike_and_never_in_the_clear():
    one, two = secret_of("same"), secret_of("same")
    assert one.salt != two.salt
    assert one.digest != two.digest
    assert not any("same" in str(part) for part in asdict(one).values())
    assert one.digest == hashlib.scrypt(b"same", salt=bytes.fromhex(one.salt), n=2**14, r=8, p=1).hex()


def test_wrong_attempts_are_counted_and_slow_down_and_a_right_one_forgives():
    secret, delays = secret_of("x"), []
    for _ in range(12):
        delays.append(delay_s(secret))
        secret = after_attempt(secret, right=False)
    assert delays == [0.0, 0.0, 0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0]
    assert delay_s(after_attempt(secret, right=True)) == 0.0
