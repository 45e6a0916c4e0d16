import { findOpenRuns } from '../../core/plan/run/open-runs.ts'
import { EMPTY_FOLDER, emptyCellsKey } from '../../core/plan/table/cell-record.ts'
import { CELLS_FOLDER, segmentsOf } from '../../core/plan/table/cell-segment.ts'
import { vacuum as vacuumTable } from '../../core/table/vacuum.ts'
import { durationOption } from '../arguments.ts'
import { ENDPOINT } from '../cloud-clients.ts'
import type { CommandSpec } from '../command.ts'
import { bytesText, commandText, countText, jsonText } from '../output.ts'
import { ProgressLine } from '../progress.ts'
import { openTableStore } from '../table-store.ts'

export const vacuum: CommandSpec = {
  name: 'vacuum',
  summary: 'removes part files that no version needs any more and no open run will commit',
  arguments: [{ name: 'table', help: 'folder of a table' }],
  options: {
    'older-than': { value: '7d', help: 'only files, and removals from the table, older than this (default: 7d)' },
    'dry-run': { help: 'say what would go, remove nothing' },
    endpoint: ENDPOINT,
  },
  examples: [
    { command: 'chronicle-replay vacuum out --dry-run', does: 'what would be removed' },
    { command: 'chronicle-replay vacuum out --older-than 1d', does: 'queries of versions older than a day stop working' },
  ],
  async run(input, io) {
    const uri = input.positionals[0]!
    const store = openTableStore(uri, input)
    const isDryRun = input.flag('dry-run')
    const progress = new ProgressLine(io, input)
    let seen = 0
    const result = await vacuumTable(store, {
      olderThanMs: Number((durationOption(input, 'older-than') ?? WEEK_NS) / 1_000_000n),
      nowMs: Date.now(),
      isOpenRun: await findOpenRuns(store),
      replaced: [
        { folder: EMPTY_FOLDER, keep: async (state) => [await emptyCellsKey(store, state)] },
        { folder: CELLS_FOLDER, keep: async (state) => segmentsOf(state) },
      ],
      isDryRun,
      onFile: (key) => {
        seen++
        if (isDryRun && !input.flag('json') && seen <= MAX_SHOWN) io.out(`${key}\n`)
        progress.update(() => `${countText(seen)} files`)
      },
    })
    progress.end()
    if (input.flag('json')) io.out(jsonText(result))
    else io.out(`${isDryRun ? 'would remove' : 'removed'} ${countText(result.files)} files, ${bytesText(result.bytes)}\n`)
    if (isDryRun && result.files > 0 && !input.flag('json')) progress.note(`next: chronicle-replay vacuum ${commandText([uri])}`)
    return 0
  },
}

const WEEK_NS = 7n * 86_400_000_000_000n
const MAX_SHOWN = 20
