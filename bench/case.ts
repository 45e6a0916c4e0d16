/** One measured run in a process of its own: `case.ts NAME FOLDER MESSAGES POLLUTED`, the result as JSON on stdout. */

import { MessageHash } from './bench-case.ts'
import { CASES, pollute } from './cases.ts'
import { benchLoad } from './load.ts'

const [name, folder, messages, polluted] = process.argv.slice(2) as [string, string, string, string]
const load = await benchLoad(folder, Number(messages))
const spec = CASES[name]!
if (polluted === 'true') await pollute(load)
const hash = new MessageHash()
await spec.run(load, hash) // not timed: warms up the machine and makes the hash
const startedCpu = process.cpuUsage()
const startedMs = performance.now()
const result = await spec.run(load, null)
const { count, ms } = typeof result === 'number' ? { count: result, ms: performance.now() - startedMs } : result
const { user, system } = process.cpuUsage(startedCpu)
const cpuMs = (user + system) / 1000
process.stdout.write(JSON.stringify({ count, ms, cpuMs, maxRssBytes: process.resourceUsage().maxRSS * 1024, hash: hash.text() }))
