import path from 'node:path'
import { verifyLog } from '../../core/log/checking/verify.ts'
import { openLog } from '../../core/log/format/log-path.ts'
import type { ReadIssue } from '../../core/message/source.ts'
import { ENDPOINT } from '../cloud-clients.ts'
import type { CommandSpec } from '../command.ts'
import { findLogsAt } from '../open-logs.ts'
import { commandText, countText, jsonText, lineText } from '../output.ts'
import { ProgressLine } from '../progress.ts'

const EXIT_CORRUPT = 3

export const verify: CommandSpec = {
  name: 'verify',
  summary: 'checks every record of every segment: headers, lengths, CRCs, holes, indexes',
  arguments: [{ name: 'log or archive', help: 'directory of segments, or of logs; or s3://bucket/prefix' }],
  options: { endpoint: ENDPOINT },
  examples: [
    { command: 'chronicle-replay verify archive', does: 'one OK or ERR line per segment; exit code 3 if any is damaged' },
    { command: 'chronicle-replay verify log --json', does: 'the same for machines' },
  ],
  async run(input, io) {
    const progress = new ProgressLine(io, input)
    const logs = await findLogsAt(input.positionals, input)
    const segments = []
    for (const [i, log] of logs.entries()) {
      progress.update(() => `${i} of ${logs.length} logs checked`)
      for (const verdict of await verifyLog(await openLog(log))) {
        segments.push(verdict)
        if (input.flag('json')) continue
        progress.end()
        io.out(`${verdict.ok ? 'OK ' : 'ERR'} ${lineText(verdict.path)} ${countText(verdict.records)} records\n`)
        for (const issue of [...verdict.errors, ...verdict.warnings]) io.out(`    ${describe(issue)}\n`)
      }
    }
    progress.end()
    const damaged = segments.filter(({ ok }) => !ok)
    if (input.flag('json'))
      io.out(
        jsonText({
          segments: segments.map((s) => ({
            path: s.path,
            ok: s.ok,
            records: s.records,
            errors: s.errors.map(placeOf),
            warnings: s.warnings.map(placeOf),
          })),
        }),
      )
    else if (damaged.length > 0)
      progress.note(
        `${damaged.length} of ${segments.length} segments damaged; next: chronicle-replay replay ${commandText([path.dirname(damaged[0]!.path)])} --on-error skip --dead-letters damage.jsonl`,
      )
    else progress.note(`${segments.length} segments sound; next: chronicle-replay inspect ${commandText([input.positionals[0]!])}`)
    return damaged.length > 0 ? EXIT_CORRUPT : 0
  },
}

function placeOf({ offset, seq, code, message }: ReadIssue): Record<string, unknown> {
  return { offset: offset ?? null, seq: seq ?? null, code, message }
}

function describe({ severity, offset, seq, code, message }: ReadIssue): string {
  return `${severity} at offset ${offset ?? '-'}, seq ${seq ?? '-'}: ${code}: ${message}`
}
