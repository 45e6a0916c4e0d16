import { engineHash } from '../../core/job/engine-hash.ts'
import { type Check, checked, ok } from '../checkup.ts'
import { checkAccount, checkQuotas, checkStack } from '../checkup-account.ts'
import { checkHere } from '../checkup-here.ts'
import { type Cloud, cloudOf, ENDPOINT } from '../cloud-clients.ts'
import { type CloudStack, readStack } from '../cloud-stack.ts'
import type { CommandSpec } from '../command.ts'
import { jsonText, lineText } from '../output.ts'

const EXIT_FAILED = 2

export const doctor: CommandSpec = {
  name: 'doctor',
  summary:
    'what is missing before a run on AWS costs money: credentials, bootstrap, quotas, queues, buckets, image, engine; exit 2 if any fails',
  arguments: [],
  options: {
    stack: { value: 'NAME', help: 'the deployed stack to look at (default: only what comes before a deployment)' },
    endpoint: ENDPOINT,
  },
  examples: [
    { command: 'chronicle-replay doctor', does: 'before the first deployment: this machine, credentials, bootstrap, quotas' },
    { command: 'chronicle-replay doctor --stack ChronicleReplay', does: 'before the first run: the stack as well' },
  ],
  async run(input, io) {
    const checks = [
      ...(await checkHere(process.env)),
      ...(await checkCloud(cloudOf(input), input.text('stack') ?? null, await engineHash())),
    ]
    if (input.flag('json'))
      io.out(jsonText({ checks: checks.map(({ name, state, message }) => ({ name, ok: state !== 'fail', state, message })) }))
    else for (const { name, state, message } of checks) io.out(`${state.padEnd(5)}${name.padEnd(16)} ${lineText(message)}\n`)
    return checks.some(({ state }) => state === 'fail') ? EXIT_FAILED : 0
  },
}

/**
 * What the account and a stack have. @param name null: no stack yet; @param engine hash of the engine that would submit
 */
export async function checkCloud(cloud: Cloud, name: string | null, engine: string): Promise<Check[]> {
  const [credentials, bootstrap] = await checkAccount(cloud, name !== null)
  if (bootstrap === null) return [credentials]
  let stack = null as CloudStack | null
  const found =
    name === null
      ? []
      : [
          await checked('stack', async () => {
            stack = await readStack(cloud, name)
            return ok('stack', `${name}: tasks of ${stack.taskVcpus} vCPUs, ${stack.maxVcpus} at once`)
          }),
        ]
  const ofStack = stack === null ? [] : await checkStack(cloud, stack, engine)
  return [credentials, bootstrap, ...found, ...ofStack, ...(await checkQuotas(cloud, stack))]
}
