"""Lines of contacts: what they may say, what a file may hold, and what is refused with its line."""

import os
import time

import pytest

from watthour.errors import ContactsError
from watthour.host.contacts import ContactFifo, WrittenContacts, is_fifo, read_contacts
from watthour.host.contacts.line import ContactLine, read_line
from watthour.pulses import Edge

S = 10**9
START = 1_767_225_600 * S  # 2026-01-01T00:00:00Z


@pytest.mark.parametrize(
    ("text", "time_ns", "number", "closed"),
    [
        ("2026-01-01T00:00:10.25Z,1,closed", START + 10 * S + S // 4, 1, True),
        ("2026-01-01T01:00:00+01:00, 2, open", START, 2, False),
        ("2026-01-01 00:00:00.000000001Z,2,0", START + 1, 2, False),
        ("12.5,1,1  # by hand", START + 25 * S // 2, 1, True),
        ("0.000000001,1,Closed", START + 1, 1, True),
        ("now,2,open", None, 2, False),
    ],
)
def test_a_line_says_when_where_and_what(text, time_ns, number, closed):
    assert read_line(text, START) == ContactLine(time_ns=time_ns, input=number, closed=closed)


@pytest.mark.parametrize("text", ["", "   ", "# nothing", "time,input,state"])
def test_a_line_that_says_nothing_is_none(text):
    assert read_line(text, START) is None


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("10,1", "'10,1' is no line of a contact"),
        ("10,3,closed", "input '3': there are 1 and 2"),
        ("10,1,shut", "state 'shut': a contact is closed or open"),
        ("-1,1,open", "time '-1': write an instant with its zone"),
        ("2026-01-01T00:00:00,1,open", "with its zone"),
        ("2026-02-30T00:00:00Z,1,open", "time '2026-02-30T00:00:00Z'"),
        ("1e9,1,open", "time '1e9'"),
        ("nan,1,open", "time 'nan'"),
        ("\x1b[2J,1,open", r"time '\\x1b[2J'"),
        ("x" * 5000, "is no line of a contact"),
    ],
)
def test_a_wrong_line_is_refused_in_one_sentence(text, problem):
    with pytest.raises(ValueError, match=r"\S") as refusal:
        read_line(text, START)
    told = str(refusal.value)
    assert problem in told
    assert told.isprintable()
    assert len(told) < 200


def test_a_file_gives_the_edges_of_any_stretch_in_order_numbered_by_their_instants(tmp_path):
    path = tmp_path / "c.csv"
    path.write_text("time,input,state\n1,1,closed\n3,1,open\n2,2,closed\n")
    contacts = read_contacts(path, START)
    assert contacts.inputs == {1, 2}
    first, second, third = (
        Edge(time_ns=START + n * S, contact=c, closed=k, number=START + n * S) for n, c, k in ((1, 1, True), (2, 2, True), (3, 1, False))
    )  # fmt: skip
    assert contacts.edges(START, START + 10 * S) == [first, second, third]
    assert contacts.edges(START + S, START + 3 * S) == [first, second]
    assert [contacts.is_closed(1, START + n * S) for n in range(5)] == [False, True, True, False, False]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"1,1,closed\n\n2,4,open\n", "c.csv:3: input '4'"),
        (b"2,1,closed\n1,1,open\n", "c.csv:2: input 1 at 2026-01-01T00:00:01Z, before its line above"),
        (b"1,1,closed\n1,1,open\n", "c.csv:2: input 1 at 2026-01-01T00:00:01Z, at the same instant as its line above"),
        (b"now,1,closed\n", "c.csv:1: now is for a FIFO"),
        (b"1,1,closed\n\xff\xfe\n", "c.csv:2: not UTF-8 text"),
    ],
)
def test_a_wrong_file_is_refused_with_its_line(tmp_path, content, problem):
    path = tmp_path / "c.csv"
    path.write_bytes(content)
    with pytest.raises(ContactsError) as refusal:
        read_contacts(path, START)
    assert problem in str(refusal.value)


def test_lines_of_two_inputs_may_be_mixed_and_those_of_one_stand_in_order(tmp_path):
    path = tmp_path / "c.csv"
    path.write_text("5,1,closed\n1,2,closed\n6,1,open\n2,2,open\n")
    assert [edge.contact for edge in read_contacts(path, START).edges(START, START + 9 * S)] == [2, 2, 1, 1]


def test_a_file_that_is_not_there_is_told_with_what_to_do(tmp_path):
    with pytest.raises(ContactsError, match="cannot be read: No such file or directory; check the path, or make a FIFO"):
        read_contacts(tmp_path / "none.csv", START)


def test_a_file_without_lines_closes_nothing():
    assert WrittenContacts([]).edges(0, 10**20) == []


@pytest.fixture
def fifo(tmp_path):
    path = tmp_path / "contacts.fifo"
    os.mkfifo(path)
    contacts = ContactFifo(path, START, frozenset({2}))
    yield path, contacts
    contacts.close()


def tell(path, text):
    with path.open("w") as writer:
        writer.write(text)


def taken(contacts, count, instant_ns=0):
    """Return so many edges, as they come within a minute."""
    edges, deadline_s = [], time.monotonic() + 60
    while len(edges) < count and time.monotonic() < deadline_s:
        edges += contacts.take(lambda _: instant_ns)
        time.sleep(0.01)
    return edges


def test_a_fifo_gives_whole_lines_as_they_come_and_outlives_its_writers(fifo):
    path, contacts = fifo
    assert is_fifo(path)
    assert not is_fifo(path.parent)
    tell(path, "1,1,closed\nnow,1,op")
    assert taken(contacts, 1, START + 7) == [Edge(time_ns=START + S, contact=1, closed=True)]
    tell(path, "en\n")
    assert taken(contacts, 1, START + 8 * S) == [Edge(time_ns=START + 8 * S, contact=1, closed=False)]
    assert contacts.take_remarks() == []


def test_now_is_the_moment_at_which_a_line_came(fifo):
    path, contacts = fifo
    before_s = time.monotonic()
    for state in ("closed", "open"):
        tell(path, f"now,1,{state}\n")
        time.sleep(0.3)
    after_s = time.monotonic()
    came = [edge.time_ns for edge in contacts.take(lambda came_s: round(came_s * S))]
    assert len(came) == 2
    assert before_s * S <= came[0] <= came[1] - 0.1 * S <= after_s * S


def test_a_wrong_line_of_a_fifo_is_passed_over_and_told_with_its_number(fifo):
    path, contacts = fifo
    tell(path, "now,1,closed\nnow,1,shut\nnow,2,closed\n9,1,open\n8,1,closed\n")
    assert [edge.closed for edge in taken(contacts, 2)] == [True, False]
    assert contacts.take_remarks() == [
        f"{path}:2: state 'shut': a contact is closed or open; passed over",
        f"{path}:3: input 2 is closed by something else in this run; passed over",
        f"{path}:5: input 1 at 2026-01-01T00:00:08Z, before its line above: put the lines in order of time; passed over",
    ]
    assert contacts.take_remarks() == []


def test_noise_in_a_fifo_is_told_in_a_few_lines_and_kept_in_little_memory(fifo):
    path, contacts = fifo
    tell(path, "\n".join(f"nonsense {n}" for n in range(100)) + "\nnow,1,open\n")
    taken(contacts, 1)
    remarks = contacts.take_remarks()
    assert (len(remarks), remarks[-1]) == (6, f"{path}: 95 more lines passed over")
    for _ in range(20):
        tell(path, "x" * 60_000)
        contacts.take(lambda _: START)
    tell(path, "\nnow,1,closed\n")
    assert len(taken(contacts, 1)) == 1
    assert len(contacts.take_remarks()) == 1
