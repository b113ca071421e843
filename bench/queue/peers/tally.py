"""What every handler and every producer does, as `tally.rs`, `settings.rs` and `producer.rs` do for the queues in Rust."""

import asyncio
import os
import sys
import threading
import time

URL = os.environ["DATABASE_URL"]
VERB, *WORDS = sys.argv[1:]

ran = 0
expected = int(WORDS[0]) if VERB == "work" else 0


def now_us() -> int:
    return time.monotonic_ns() // 1000


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def settings(text: str) -> dict[str, int]:
    """`concurrency=24,poll_ms=5`, or `default`."""
    given = (one.split("=") for one in text.split(",") if one != "default")
    return {name: int(value) for name, value in given}


def count(sent_us: int | None) -> None:
    """One run of the handler."""
    global ran
    if sent_us is not None:
        say(f"lat {now_us() - sent_us}")
    ran += 1
    if ran == expected:
        say(f"ran {ran}")


def end_with_standard_input() -> None:
    """The driver closes the standard input when the database shows that all is done."""

    def wait() -> None:
        sys.stdin.read()
        say(f"total {ran}")
        os._exit(0)

    threading.Thread(target=wait, daemon=True).start()


async def produce(send) -> None:
    say("ready")
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        what, *numbers = line.split()
        begun = time.monotonic()
        if what == "one":
            await send(now_us())
        else:
            await many(send, float(numbers[0]), int(numbers[1]))
        say(f"sent {time.monotonic() - begun}")


# Enqueues under way at once. More would only wait for one another, and their stamps would tell of the producer.
AT_ONCE = 16


async def many(send, rate: float, total: int) -> None:
    """Each at its time, whatever became of those before, as long as a place is free."""
    begun = time.monotonic()
    sent = 0

    async def place() -> None:
        nonlocal sent
        while sent < total:
            wait = begun + sent / rate - time.monotonic()
            if wait > 0:
                await asyncio.sleep(wait)
                continue
            sent += 1
            await send(now_us())

    await asyncio.gather(*(place() for _ in range(AT_ONCE)))


def chunks(total: int, size: int):
    for start in range(0, total, size):
        yield range(start, min(total, start + size))
