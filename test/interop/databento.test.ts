import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { expect, it } from 'vitest'
import { localFile, openBytes } from '../../core/import/files/byte-stream.ts'
import { DbnRecords } from '../../core/import/formats/dbn/record-reader.ts'
import { describeGolden, goldenPath } from '../golden-data.ts'
import { dbnRow } from '../support/dbn-rows.ts'
import { lockedPython } from '../support/locked-python.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const root = temporaryFolder('interop-databento')
const python = lockedPython('the decoder of databento', path.join(import.meta.dirname, 'databento-requirements.txt'))
/** Schemas that the decoder prints whole; of others the first four fields. */
const WHOLE = new Set([0xa0, 0x00, 0x01])

describeGolden('DBN, beside the official decoder', () => {
  const files = fs
    .globSync('captures/dbn/**/*.{dbn,dbn.zst}', { cwd: goldenPath() })
    .filter((name) => !name.includes('.frag'))
    .sort()

  it.skipIf(python === null)(
    'all samples have the same records',
    async () => {
      const plain: string[] = []
      const own: string[][] = []
      for (const [i, name] of files.entries()) {
        const stored = localFile(goldenPath(name))
        const pieces: Buffer[] = []
        for await (const piece of openBytes(stored)) pieces.push(Buffer.from(piece))
        plain.push(path.join(root, `${i}.dbn`))
        fs.writeFileSync(plain.at(-1)!, Buffer.concat(pieces))
        const records = new DbnRecords(openBytes(stored), stored.path)
        const { version } = await records.open()
        const rows: string[] = []
        while (await records.block()) while (records.next()) rows.push(shownOf(dbnRow(records, version), records.rtype))
        await records.close()
        own.push(rows)
      }
      const { stdout, stderr, status } = spawnSync(python!, [path.join(import.meta.dirname, 'read_dbn.py'), ...plain], {
        encoding: 'utf8',
        maxBuffer: 2 ** 28,
      })
      expect([status, stderr]).toEqual([0, ''])
      const theirs = stdout
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as { rows: string[] }).rows)
      expect(theirs).toHaveLength(files.length)
      expect(own.flat().length).toBeGreaterThan(15_000)
      for (const [i, name] of files.entries()) expect([name, own[i]]).toEqual([name, theirs[i]])
    },
    120_000,
  )
})

function shownOf(row: string, rtype: number): string {
  return WHOLE.has(rtype) ? row : row.split(',').slice(0, 4).join(',')
}
