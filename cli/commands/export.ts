import { readTableAsOf } from '../../core/table/delta-history.ts'
import { exportTable } from '../../core/table/export-table.ts'
import { columnsTag } from '../../core/table/table-schema.ts'
import { cloudOf, ENDPOINT } from '../cloud-clients.ts'
import type { CommandSpec } from '../command.ts'
import { bytesText, countText, jsonText } from '../output.ts'
import { ProgressLine } from '../progress.ts'
import { openTableStore } from '../table-store.ts'

export const exportParts: CommandSpec = {
  name: 'export',
  summary: 'copies the rows of a table as plain Parquet, for readers that do not know its log',
  arguments: [
    { name: 'table', help: 'folder of a table' },
    { name: 'folder', help: 'new or empty; gets venue=…/symbol=…/*.parquet' },
  ],
  options: { 'as-of': { value: 'RUN', help: 'the table as a run, or a version, left it' }, endpoint: ENDPOINT },
  examples: [
    { command: 'chronicle-replay export out plain', does: "read_parquet('plain/**/*.parquet') has each row once" },
    { command: 'chronicle-replay export out s3://bucket/plain --as-of 3', does: 'an earlier version, to S3' },
  ],
  async run(input, io) {
    const [uri, folder] = input.positionals as [string, string]
    const store = openTableStore(uri, input)
    const table = await readTableAsOf(store, input.text('as-of'))
    const progress = new ProgressLine(io, input)
    let parts = 0
    const copied = await exportTable(store, table, cloudOf(input).open(folder), () => {
      parts++
      progress.update(() => `${countText(parts)} of ${countText(table.parts.size)} parts`)
    })
    progress.end()
    const tag = columnsTag(table.schema)
    const narrow = [...table.parts.values()].filter(({ tags }) => tags?.columns !== tag).length
    if (narrow > 0)
      progress.note(`${countText(narrow)} parts lack columns that came later: read with union_by_name, or NULLs for missing columns`)
    if (input.flag('json')) io.out(jsonText({ ...copied, version: table.version }))
    else io.out(`${countText(copied.files)} files, ${bytesText(copied.bytes)}, version ${table.version}\n`)
    return 0
  },
}
