import { commitRun } from '../core/commit/commit.ts'
import { outcomeOf, writeOutcome } from '../core/commit/run-outcome.ts'
import { EXIT_PARTIAL } from '../core/errors.ts'
import type { Container } from './container.ts'
import type { Log } from './log.ts'

/** Commits what the tasks have done and writes `outcome.json`. Returns the command's exit code: 4 when partitions are missing, or nothing was committed. */
export async function commit({ tableUri, run, attempt, open }: Container, log: Log): Promise<number> {
  const table = open(tableUri)
  const outcome = outcomeOf(await commitRun(table, run, { clock: Date.now, random: Math.random }), { attempt, endedMs: Date.now() })
  await writeOutcome(table, outcome)
  const { state, version, partitions, added, removed, messages, skipped, check, failures, warning } = outcome
  for (const failure of failures) log.error('partitions-missing', { ...failure, partition: failure.first })
  if (messages.handled < messages.read || Object.keys(messages.noted).length > 0) log.info('messages-left-out', { ...messages })
  if (skipped !== undefined && skipped.count > 0) log.info('damage-skipped', { ...skipped })
  for (const finding of check?.findings ?? []) log.error('check-finding', { ...finding })
  const told = {
    state,
    version,
    partitions,
    added,
    removed,
    ...(check !== undefined && { checked: check.partitions, seed: check.seed }),
    ...(warning !== null && { warning }),
  }
  const isWhole = partitions.missing === 0 && state !== 'refused'
  if (isWhole) log.info('committed', told)
  else log.error('partial', told)
  return isWhole ? 0 : EXIT_PARTIAL
}
