import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'

const root = path.resolve(import.meta.dirname, '../..')
const FOLDERS = ['core', 'cli', 'infra', 'report', 'functions', 'localstack', 'bench']
const files = FOLDERS.flatMap((folder) => fs.globSync(`${folder}/**/*.ts`, { cwd: root })).sort()
const imports = new Map(files.map((file) => [file, importsOf(file)]))
const page = fs.readFileSync(path.join(root, 'docs/architecture.md'), 'utf8')
/** Floor by room, from the first table of "Floors". */
const floors = floorsOf(page)

describe('the house', () => {
  it('has each file of core in a room with a floor', () => {
    expect(files.filter((file) => file.startsWith('core/') && floorOf(file) === undefined)).toEqual([])
  })

  it('has arrows that point down only', () => {
    expect(upward(imports)).toEqual([])
    expect(upward(new Map([['core/log/format/segment.ts', ['core/book/l2-book.ts', 'core/sink/sink.ts', 'core/errors.ts']]]))).toEqual([
      'core/log/format/segment.ts (floor 4) imports core/book/l2-book.ts (floor 5)',
      'core/log/format/segment.ts (floor 4) imports core/sink/sink.ts (floor 5)',
    ])
    expect(upward(new Map([['core/book/l2-book.ts', ['core/sink/sink.ts']]]))).toHaveLength(1)
  })

  it('has no files that import each other in a circle', () => {
    expect(circles(imports)).toEqual([])
    expect(
      circles(
        new Map([
          ['a', ['b']],
          ['b', ['c']],
          ['c', ['b']],
        ]),
      ),
    ).toEqual([['b', 'c']])
  })

  it('stands without tests, and core without the rest', () => {
    const [outside, allowed] = [/^(?:test|examples)\//, /^core\//]
    const wrong = [...imports].flatMap(([file, all]) =>
      all.filter((other) => outside.test(other) || (allowed.test(file) && !allowed.test(other))).map((other) => `${file} imports ${other}`),
    )
    expect(wrong).toEqual([])
  })
})

/** The files that a source names: imports, exports, `import()` and the modules of workers. */
function importsOf(file: string): string[] {
  const text = fs.readFileSync(path.join(root, file), 'utf8')
  const named = [...text.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*'(\.[^']+)'/g)].map((found) => found[1]!)
  return named.map((name) => path.join(path.dirname(file), name)).filter((name) => name !== file)
}

function floorsOf(text: string): ReadonlyMap<string, number> {
  const table = text.slice(text.indexOf('| floor |'))
  const rows = table.slice(0, table.indexOf('\n\n')).split('\n').slice(2)
  return new Map(
    rows.flatMap((row) => {
      const [, floor, rooms] = row.split('|').map((cell) => cell.trim()) as [string, string, string]
      return [...rooms.matchAll(/`([^`]+)`/g)].map((found): [string, number] => [found[1]!, Number(floor)])
    }),
  )
}

/** `core/log/format/segment.ts` is of the room `log`; a file of `core` itself is of the first floor, unless it is named. */
function roomOf(file: string): string {
  const [, first, second] = file.split('/') as [string, string, string?]
  return second === undefined && !floors.has(first) ? 'core' : first
}

function floorOf(file: string): number | undefined {
  return floors.get(roomOf(file))
}

function upward(of: ReadonlyMap<string, readonly string[]>): string[] {
  return [...of].flatMap(([file, all]) => {
    const own = floorOf(file)
    if (!file.startsWith('core/') || own === undefined) return []
    return all
      .filter((other) => roomOf(other) !== roomOf(file) && !(own > (floorOf(other) ?? Number.POSITIVE_INFINITY)) && !isTop(file, other))
      .map((other) => `${file} (floor ${own}) imports ${other} (floor ${floorOf(other)})`)
  })
}

/** The library and what provides it are one room. */
function isTop(file: string, other: string): boolean {
  return floorOf(file) === 12 && floorOf(other) === 12
}

/** Sets of files each of which leads to each other one (Tarjan). */
function circles(of: ReadonlyMap<string, readonly string[]>): string[][] {
  const [order, low, open, found] = [new Map<string, number>(), new Map<string, number>(), [] as string[], [] as string[][]]
  const visit = (file: string): void => {
    order.set(file, order.size)
    low.set(file, order.get(file)!)
    open.push(file)
    for (const other of of.get(file) ?? []) {
      if (!order.has(other)) visit(other)
      if (open.includes(other)) low.set(file, Math.min(low.get(file)!, low.get(other)!))
    }
    if (low.get(file) !== order.get(file)) return
    const circle = open.splice(open.indexOf(file))
    if (circle.length > 1) found.push(circle.sort())
  }
  for (const file of of.keys()) if (!order.has(file)) visit(file)
  return found
}
