"""PyPI `procrastinate`."""

import asyncio
import logging

import procrastinate
from tally import AT_ONCE, URL, VERB, WORDS, chunks, count, end_with_standard_input, produce, settings

# It would write a line for each task.
logging.disable(logging.WARNING)

given = settings(WORDS[1]) if VERB == "work" else {}
pool = {"max_size": given["connections"]} if "connections" in given else {}
if VERB == "produce":
    pool = {"max_size": AT_ONCE}
app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=URL, **pool))


@app.task(name="noop")
async def noop(n: int = 0, sent_us: int | None = None) -> None:
    count(sent_us)


async def main() -> None:
    async with app.open_async():
        if VERB == "setup":
            await app.schema_manager.apply_schema_async()
        elif VERB == "enqueue":
            for some in chunks(int(WORDS[0]), 1000):
                await noop.batch_defer_async(*({"n": n} for n in some))
        elif VERB == "work":
            end_with_standard_input()
            more = {"concurrency": given["concurrency"]} if "concurrency" in given else {}
            await app.run_worker_async(**more)
        elif VERB == "produce":
            await produce(lambda sent_us: noop.defer_async(sent_us=sent_us))


asyncio.run(main())
