"""Judges a server by what a third party's client of EventStoreDB makes of it: `judge.py URL`.

Prints what was checked. Ends with 1 at the first difference and says what was expected. Works against a real server too: every
stream that it uses has a name of its own.
"""

import os
import sys
import threading
import time
import uuid

from kurrentdbclient import KurrentDBClient, NewEvent, StreamState
from kurrentdbclient.exceptions import (
    FailedPreconditionError,
    InvalidCommitPositionError,
    KurrentDBClientError,
    MaximumAppendSizeExceededError,
    NotFoundError,
    StreamIsDeletedError,
    WrongCurrentVersionError,
)

RUN = uuid.uuid4().hex[:8]
WAIT_SECONDS = 20
ALL_SECONDS_MAX = 90


class Difference(Exception):
    """The server does something else than EventStoreDB."""


def stream_name(name):
    return f"judge-python-{RUN}-{name}"


def event(kind, data=b"{}", **more):
    return NewEvent(type=kind, data=data, **more)


def expect(what, expected, actual):
    if expected != actual:
        raise Difference(f"{what}: expected {expected!r}, got {actual!r}")


def expect_error(what, kind, call):
    """Gives the error, for a closer look at it."""
    try:
        result = call()
    except kind as error:
        return error
    except KurrentDBClientError as error:
        raise Difference(f"{what}: expected {kind.__name__}, got {error!r}") from error
    raise Difference(f"{what}: expected {kind.__name__}, got the result {result!r}")


def kinds(events):
    return [event.type for event in events]


def append(client):
    name = stream_name("append")
    first = [event("A"), event("B")]
    position = client.append_to_stream(name, events=first, current_version=StreamState.NO_STREAM)
    again = client.append_to_stream(name, events=first, current_version=StreamState.NO_STREAM)
    expect("the position of a repeated append", position, again)
    later = client.append_to_stream(name, events=event("C"), current_version=1)
    expect("that positions grow", True, later > position)
    client.append_to_stream(name, events=event("D"), current_version=StreamState.ANY)
    client.append_to_stream(name, events=event("E"), current_version=StreamState.EXISTS)
    expect("the current version", 4, client.get_current_version(name))
    expect("the commit position of the last event", client.get_stream(name)[-1].commit_position, client.get_commit_position())


def conflict(client):
    name = stream_name("conflict")
    calls = {
        "one event": client.append_event,
        "several events": lambda name, **more: client.append_events(name, events=[more.pop("event")], **more),
    }
    for call, write in calls.items():
        expect_error(
            f"{call} at version 3 of no stream", WrongCurrentVersionError,
            lambda write=write: write(name, event=event("X"), current_version=3),
        )
    client.append_to_stream(name, events=[event("A"), event("B")], current_version=StreamState.NO_STREAM)
    for call, write in calls.items():
        for version in (0, StreamState.NO_STREAM, 7):
            expect_error(
                f"{call} at {version}, not 1", WrongCurrentVersionError,
                lambda write=write, version=version: write(name, event=event("X"), current_version=version),
            )
    expect("the version after the conflicts", 1, client.get_current_version(name))


def limit(client):
    name = stream_name("limit")
    big = event("Big", b"0" * (1 << 20), content_type="application/octet-stream")
    expect_error(
        "an append of more than 1 MiB", MaximumAppendSizeExceededError,
        lambda: client.append_events(name, events=[big], current_version=StreamState.ANY),
    )
    expect("the version after it", StreamState.NO_STREAM, client.get_current_version(name))


def read_stream(client):
    name = stream_name("read")
    before = time.time()
    events = [event(kind, kind.encode(), metadata=b"m", content_type="application/octet-stream") for kind in "ABCDE"]
    client.append_to_stream(name, events=events, current_version=StreamState.NO_STREAM)
    read = client.get_stream(name)
    expect("the events", events, list(read))
    expect("their ids", [e.id for e in events], [e.id for e in read])
    expect("their data", [b"A", b"B", b"C", b"D", b"E"], [e.data for e in read])
    expect("their metadata", {b"m"}, {e.metadata for e in read})
    expect("their content type", {"application/octet-stream"}, {e.content_type for e in read})
    expect("their stream", {name}, {e.stream_name for e in read})
    expect("their revisions", [0, 1, 2, 3, 4], [e.stream_position for e in read])
    expect("that they are from now", True, all(abs(e.recorded_at.timestamp() - before) < WAIT_SECONDS for e in read))
    expect("from 3", ["D", "E"], kinds(client.get_stream(name, stream_position=3)))
    expect("the first two", ["A", "B"], kinds(client.get_stream(name, limit=2)))
    expect("backwards", ["E", "D", "C", "B", "A"], kinds(client.get_stream(name, backwards=True)))
    expect("backwards from 1", ["B", "A"], kinds(client.get_stream(name, stream_position=1, backwards=True)))
    expect("the last one", ["E"], kinds(client.get_stream(name, backwards=True, limit=1)))
    expect_error("a stream that is not there", NotFoundError, lambda: client.get_stream(stream_name("nothing")))


def read_all(client):
    name, other = stream_name("all-a"), stream_name("all-b")
    start = client.get_commit_position()
    client.append_to_stream(name, events=[event("A"), event("B")], current_version=StreamState.NO_STREAM)
    client.append_to_stream(other, events=event("C"), current_version=StreamState.NO_STREAM)
    client.append_to_stream(name, events=event("D"), current_version=1)
    read = list(client.read_all(commit_position=start))
    expect("that a position is included", start, read[0].commit_position)
    expect("the events since then", ["A", "B", "C", "D"], kinds(read[1:]))
    positions = [e.commit_position for e in read]
    expect("that positions grow", sorted(set(positions)), positions)
    expect("backwards", ["D", "C", "B"], kinds(client.read_all(backwards=True, limit=3)))
    middle = read[3].commit_position
    expect("backwards from a position, without it", ["B", "A"], kinds(client.read_all(commit_position=middle, backwards=True, limit=2)))
    expect_error(
        "a position at which nothing begins", InvalidCommitPositionError,
        lambda: list(client.read_all(commit_position=middle + 1)),
    )
    by_stream = {"filter_include": [other], "filter_by_stream_name": True}
    expect("by a stream's name", ["C"], kinds(client.read_all(commit_position=start, **by_stream)))
    by_prefix = {"filter_include": [other[:-1]], "filter_by_stream_name": True, "filter_by_prefix": True}
    expect("by a prefix of streams", ["A", "B", "C", "D"], kinds(client.read_all(commit_position=start, **by_prefix)))
    by_type = kinds(client.read_all(commit_position=start, filter_include=["A", "D"]))
    expect("by types", ["A", "D"], by_type[-2:])
    everything = kinds(client.read_all(filter_exclude=[]))
    expect("that the system has events too", True, any(kind.startswith("$") for kind in everything))
    without = kinds(client.read_all())
    expect("that they are left out by default", False, any(kind.startswith("$") for kind in without))


def follow(subscription, count):
    """The next messages of a subscription, which is ended if they do not come."""
    timer = threading.Timer(WAIT_SECONDS, subscription.stop)
    timer.start()
    seen = []
    for message in subscription:
        if message.is_checkpoint:
            continue
        seen.append("caught up" if message.is_caught_up else message.type)
        if len(seen) == count:
            break
    timer.cancel()
    return seen


def subscribe(client):
    name = stream_name("subscribe")
    start = client.get_commit_position()
    client.append_to_stream(name, events=[event("A"), event("B")], current_version=StreamState.NO_STREAM)
    to_all = client.subscribe_to_all(commit_position=start, include_caught_up=True, include_checkpoints=True)
    expect("what was there in $all", ["A", "B", "caught up"], follow(to_all, 3))
    to_stream = client.subscribe_to_stream(name, stream_position=0, include_caught_up=True)
    expect("what was there behind revision 0", ["B", "caught up"], follow(to_stream, 2))
    from_end = client.subscribe_to_stream(name, from_end=True, include_caught_up=True)
    expect("what was there behind the end", ["caught up"], follow(from_end, 1))
    filtered = client.subscribe_to_all(from_end=True, filter_include=["D"], include_caught_up=True)
    expect("what was there behind the end of $all", ["caught up"], follow(filtered, 1))
    client.append_to_stream(name, events=[event("C"), event("D")], current_version=1)
    expect("the news in $all", ["C", "D"], follow(to_all, 2))
    expect("the news in the stream", ["C", "D"], follow(to_stream, 2))
    expect("the news at the end", ["C", "D"], follow(from_end, 2))
    expect("the news through the filter", ["D"], follow(filtered, 1))
    for subscription in (to_all, to_stream, from_end, filtered):
        subscription.stop()


def delete(client):
    name = stream_name("delete")
    client.append_to_stream(name, events=[event("A"), event("B")], current_version=StreamState.NO_STREAM)
    expect_error("a deletion at 0, not 1", WrongCurrentVersionError, lambda: client.delete_stream(name, current_version=0))
    client.delete_stream(name, current_version=1)
    expect_error("a soft-deleted stream", NotFoundError, lambda: client.get_stream(name))
    client.append_to_stream(name, events=event("C"), current_version=StreamState.NO_STREAM)
    expect("what comes after the deletion", [(2, "C")], [(e.stream_position, e.type) for e in client.get_stream(name)])
    client.tombstone_stream(name, current_version=2)
    expect_error("a tombstoned stream", StreamIsDeletedError, lambda: client.get_stream(name))
    # For one event, which goes another way, this client has no better name.
    for what, kind, events in (
        ("one event", FailedPreconditionError, event("X")),
        ("several events", StreamIsDeletedError, [event("X")]),
    ):
        expect_error(
            f"{what} for a tombstoned stream", kind,
            lambda events=events: client.append_to_stream(name, events=events, current_version=StreamState.ANY),
        )


CHECKS = [append, conflict, limit, read_stream, read_all, subscribe, delete]


def give_up():
    """A client that waits for ever is a difference too; nothing gentler gets it out of its waiting."""
    print(f"kurrentdbclient: not done after {ALL_SECONDS_MAX} s", file=sys.stderr, flush=True)
    os._exit(1)


def main():
    if len(sys.argv) != 2:
        print("usage: judge.py URL", file=sys.stderr)
        return 2
    watchdog = threading.Timer(ALL_SECONDS_MAX, give_up)
    watchdog.daemon = True
    watchdog.start()
    client = KurrentDBClient(uri=sys.argv[1])
    for check in CHECKS:
        try:
            check(client)
        except Difference as difference:
            print(f"kurrentdbclient: {check.__name__}: {difference}", file=sys.stderr)
            return 1
        print(f"kurrentdbclient: {check.__name__}: as expected", flush=True)
    client.close()
    return 0


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # A normal exit would wait for what the client's threads still do.
    os._exit(code)
