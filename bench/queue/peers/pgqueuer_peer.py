"""PyPI `pgqueuer`, with its asyncpg driver."""

import asyncio
import json
from urllib.parse import parse_qs, urlsplit

import asyncpg
from pgqueuer import PgQueuer
from pgqueuer.db import AsyncpgDriver, AsyncpgPoolDriver
from pgqueuer.models import Job
from pgqueuer.queries import Queries
from tally import AT_ONCE, URL, VERB, WORDS, chunks, count, end_with_standard_input, produce, settings

# asyncpg takes the host before the `?` and forgets the one behind it.
HOST = parse_qs(urlsplit(URL).query).get("host", [None])[0]
PLACE = {"dsn": URL} if HOST is None else {"dsn": URL, "host": HOST}


async def work() -> None:
    end_with_standard_input()
    given = settings(WORDS[1])
    if "connections" in given:
        driver = AsyncpgPoolDriver(await asyncpg.create_pool(**PLACE, min_size=2, max_size=given["connections"]))
    else:
        driver = AsyncpgDriver(await asyncpg.connect(**PLACE))
    worker = PgQueuer(driver)

    @worker.entrypoint("noop")
    async def noop(job: Job) -> None:
        count(json.loads(job.payload).get("sent_us"))

    await worker.run(**({"batch_size": given["batch_size"]} if "batch_size" in given else {}))


async def main() -> None:
    if VERB == "work":
        await work()
        return
    async with asyncpg.create_pool(**PLACE, max_size=AT_ONCE) as pool:
        queries = Queries(AsyncpgPoolDriver(pool))
        if VERB == "setup":
            await queries.install()
        elif VERB == "enqueue":
            for some in chunks(int(WORDS[0]), 1000):
                payloads = [json.dumps({"n": n}).encode() for n in some]
                await queries.enqueue(["noop"] * len(payloads), payloads, [0] * len(payloads))
        elif VERB == "produce":
            await produce(lambda sent_us: queries.enqueue("noop", json.dumps({"sent_us": sent_us}).encode()))


asyncio.run(main())
