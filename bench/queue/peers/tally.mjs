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

export async function produce(send) {
  say('ready')
  for await (const line of createInterface({ input: process.stdin })) {
    const [what, rate, count] = line.split(' ')
    if (what === 'one') await one(send)
    else await many(send, Number(rate), Number(count))
    say('sent')
  }
  process.exit(0)
}

const one = (send) => send({ n: 0, sent_us: nowUs() })

/** Timers are good to a millisecond, so what is due by now is sent together. */
async function many(send, rate, count) {
  const begun = nowUs()
  const underWay = []
  while (underWay.length < count) {
    const due = Math.min(count, 1 + Math.floor(((nowUs() - begun) / 1e6) * rate))
    while (underWay.length < due) underWay.push(one(send))
    await new Promise((next) => setTimeout(next, 1))
  }
  await Promise.all(underWay)
}

export function* chunks(total, size) {
  for (let from = 0; from < total; from += size) {
    yield Array.from({ length: Math.min(size, total - from) }, (_, place) => ({ n: from + place }))
  }
}
