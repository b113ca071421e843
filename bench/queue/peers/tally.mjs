// What every handler and every producer does, as `tally.rs`, `settings.rs` and `producer.rs` do for the queues in Rust.
import { createInterface } from 'node:readline'

export const nowUs = () => Number(process.hrtime.bigint() / 1000n)
export const say = (line) => process.stdout.write(`${line}\n`)

export const url = process.env.DATABASE_URL
export const [verb, ...words] = process.argv.slice(2)

/** `concurrency=24,poll_ms=5`, or `default`. */
export const settings = (text) =>
  Object.fromEntries(text.split(',').filter((one) => one !== 'default').map((one) => one.split('=')).map(([name, value]) => [name, Number(value)]))

let ran = 0
const expected = verb === 'work' ? Number(words[0]) : 0

/** One run of the handler. */
export function count(payload) {
  if (payload.sent_us) say(`lat ${nowUs() - payload.sent_us}`)
  ran += 1
  if (ran === expected) say(`ran ${ran}`)
}

/** The driver closes the standard input when the database shows that all is done. */
export function endWithStandardInput() {
  process.stdin.resume()
  process.stdin.on('end', () => process.stdout.write(`total ${ran}\n`, () => process.exit(0)))
}

/** Enqueues under way at once. More would only wait for one another, and their stamps would tell of the producer. */
export const atOnce = 16

export async function produce(send) {
  say('ready')
  for await (const line of createInterface({ input: process.stdin })) {
    const [what, rate, count] = line.split(' ')
    const begun = nowUs()
    if (what === 'one') await one(send)
    else await many(send, Number(rate), Number(count))
    say(`sent ${(nowUs() - begun) / 1e6}`)
  }
  process.exit(0)
}

const one = (send) => send({ n: 0, sent_us: nowUs() })

/** Each at its time, whatever became of those before, as long as a place is free. Timers are good to a millisecond. */
async function many(send, rate, count) {
  const begun = nowUs()
  let sent = 0
  const place = async () => {
    while (sent < count) {
      const wait = (sent / rate) * 1e6 - (nowUs() - begun)
      if (wait > 0) {
        await new Promise((next) => setTimeout(next, wait / 1000))
        continue
      }
      sent += 1
      await one(send)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, place))
}

export function* chunks(total, size) {
  for (let from = 0; from < total; from += size) {
    yield Array.from({ length: Math.min(size, total - from) }, (_, place) => ({ n: from + place }))
  }
}
