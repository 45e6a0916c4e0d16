import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { checkParquet } from '../support/parquet-format.ts'
import { PARQUET_SHAPES, writeShape } from '../support/parquet-shapes.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const folder = temporaryFolder('parquet-format')

describe('Parquet files are what the format says, to the byte', () => {
  test.each(PARQUET_SHAPES.map((shape) => [shape.name, shape] as const))('%s', async (_, shape) => {
    const found = checkParquet(readFileSync(await writeShape(folder, shape)))
    const groups = shape.maxGroupRows === undefined ? Math.min(1, shape.rows.length) : Math.ceil(shape.rows.length / shape.maxGroupRows)
    expect(found.problems).toEqual([])
    expect(found).toEqual({ problems: [], rows: shape.rows.length, groups })
  })

  test('a list of another type is seen', async () => {
    const bytes = readFileSync(await writeShape(folder, PARQUET_SHAPES[0]!))
    // The list of row groups of a file without rows: field 4, a list of no structs.
    const at = bytes.lastIndexOf(Buffer.from([0x19, 0x0c]))
    expect(at).toBeGreaterThan(0)
    bytes[at + 1] = 0x03
    expect(checkParquet(bytes).problems).toEqual([expect.stringContaining('FileMetaData.row_groups: a list of wire type 3')])
  })
})
