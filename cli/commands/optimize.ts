import { optimizeTable } from '../../core/commit/optimize.ts'
import { countOption } from '../arguments.ts'
import { ENDPOINT } from '../cloud-clients.ts'
import type { CommandSpec } from '../command.ts'
import { countText, jsonText } from '../output.ts'
import { ProgressLine } from '../progress.ts'
import { openTableStore } from '../table-store.ts'

export const optimize: CommandSpec = {
  name: 'optimize',
  summary: 'packs small parts of a table, as those of daily runs; its rows stay as they are',
  arguments: [{ name: 'table', help: 'folder of a table' }],
  options: {
    'target-mb': { value: 'N', help: 'parts of about so many MiB, of an instrument and month each (default: 128)' },
    endpoint: ENDPOINT,
  },
  examples: [
    { command: 'chronicle-replay optimize out', does: 'one part of an instrument and month; queries open fewer files' },
    { command: 'chronicle-replay vacuum out --older-than 7d', does: 'later: the small parts go, and with them versions before this one' },
  ],
  async run(input, io) {
    const store = openTableStore(input.positionals[0]!, input)
    const targetMiB = countOption(input, 'target-mb')
    const progress = new ProgressLine(io, input)
    const { removed, added, version, warning } = await optimizeTable(store, {
      clock: Date.now,
      random: Math.random,
      ...(targetMiB !== undefined && { targetBytes: targetMiB * 2 ** 20 }),
      onProgress: (done, all) => progress.update(() => `${countText(done)} of ${countText(all)} parts`),
    })
    progress.end()
    if (warning !== null) progress.note(`no checkpoint was written: ${warning}`)
    if (input.flag('json')) io.out(jsonText({ removed, added, version }))
    else if (removed === 0) io.out(`nothing to pack, version ${version}\n`)
    else io.out(`packed ${countText(removed)} parts into ${countText(added)}, version ${version}\n`)
    return 0
  },
}
