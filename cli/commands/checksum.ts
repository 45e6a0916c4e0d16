import { readTableAsOf } from '../../core/table/delta-history.ts'
import { checksumTable } from '../../core/table/part-checksum.ts'
import { ENDPOINT } from '../cloud-clients.ts'
import type { CommandSpec } from '../command.ts'
import { countText, jsonText } from '../output.ts'
import { ProgressLine } from '../progress.ts'
import { openTableStore } from '../table-store.ts'

export const checksum: CommandSpec = {
  name: 'checksum',
  summary: 'rows of a table and the sum of their hashes, whatever their order and files',
  arguments: [{ name: 'table', help: 'folder of a table' }],
  options: { 'as-of': { value: 'RUN', help: 'the table as a run, or a version, left it' }, endpoint: ENDPOINT },
  examples: [
    { command: 'chronicle-replay checksum out', does: 'the same for any two tables with the same rows' },
    { command: 'chronicle-replay checksum out --as-of 3 --json', does: 'of an earlier version' },
  ],
  async run(input, io) {
    const store = openTableStore(input.positionals[0]!, input)
    const table = await readTableAsOf(store, input.text('as-of'))
    const progress = new ProgressLine(io, input)
    let [parts, rows] = [0, 0]
    const result = await checksumTable(store, table, (count) => {
      parts++
      rows += count
      progress.update(() => `${countText(parts)} of ${countText(table.parts.size)} parts, ${countText(rows)} rows`)
    })
    progress.end()
    if (input.flag('json')) io.out(jsonText({ ...result, version: table.version }))
    else io.out(`${countText(result.rows)} rows, sum ${result.sum}, version ${table.version}\n`)
    return 0
  },
}
