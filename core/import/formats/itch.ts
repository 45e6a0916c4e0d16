import { ReplayError } from '../../errors.ts'
import { Blocks } from '../files/blocks.ts'
import { defineImporter, type FileGlance, type ImportFile, type ImportSettings } from '../importer.ts'
import type { ImportOutput } from '../messages/import-output.ts'
import { isDate, newYorkMidnight } from '../messages/new-york-midnight.ts'
import { ItchDecoder } from './itch/decoder.ts'
import { parseFileName } from './itch/file-name.ts'
import { type Framing, framingOf } from './itch/framing.ts'

/** What framings are told by. */
const HEAD_BYTES = 64 << 10

/**
 * Nasdaq TotalView-ITCH 5.0, of Nasdaq, BX and PSX: files of a day, or captures of SoupBinTCP or MoldUDP64. Books by order, and trades.
 * Files have no date inside: their names say it, else the user.
 */
export const itch = defineImporter({
  name: 'itch',
  title: 'Nasdaq ITCH 5.0',
  recognise(file, settings) {
    const framing = framingOf(file.head, file.isWhole)
    if (framing === null) return refuseNamed(file)
    const { venue } = parseFileName(file.name)
    // Order numbers and stock locates are of one day.
    return { holds: `orders (${framing.name})`, unit: file.path, venue, dates: [dateOf(file, settings)] }
  },
  async read(files, output, settings) {
    for (const file of files) await readFile(file, output, settings)
  },
})

/** Of a file whose name says ITCH, and which is none that can be read. @returns null: the name does not say it */
function refuseNamed({ name, path, head }: FileGlance): null {
  if (!parseFileName(name).isNamed) return null
  const isCapture = CAPTURE_MAGICS.some((magic) => magic.every((byte, i) => head[i] === byte))
  const why = isCapture
    ? 'this is a capture of a network; extract what its UDP or TCP packets hold (MoldUDP64 or SoupBinTCP) into a file, and import that'
    : 'the name says ITCH, but no messages of ITCH 5.0 are found, neither plain nor in SoupBinTCP or MoldUDP64; earlier versions are not read'
  throw new ReplayError('import-refused', why, { category: 'input', path })
}

/** @throws ReplayError input `import-refused` where nobody says the date */
function dateOf({ name, path }: { readonly name: string; readonly path: string }, settings: ImportSettings): string {
  const date = parseFileName(name).date ?? settings.date
  if (date !== undefined && isDate(date)) return date
  const found = date === undefined ? 'neither the file nor its name says' : `${JSON.stringify(date)} is not`
  const message = `${found} the day of the messages; give it: --date YYYY-MM-DD, a date in New York`
  throw new ReplayError('import-refused', message, { category: 'input', path })
}

async function readFile(file: ImportFile, output: ImportOutput, settings: ImportSettings): Promise<void> {
  const blocks = new Blocks(await file.open())
  try {
    await readBlocks(blocks, file, output, settings)
  } finally {
    await blocks.close()
  }
}

async function readBlocks(blocks: Blocks, file: ImportFile, output: ImportOutput, settings: ImportSettings): Promise<void> {
  const { path, name } = file
  const { tally } = output
  const cutShortBefore = timesCutShort(output)
  const isWhole = !(await blocks.need(HEAD_BYTES))
  const head = blocks.bytes.subarray(blocks.start, Math.min(blocks.end, blocks.start + HEAD_BYTES))
  const framing = framingOf(head, isWhole)
  if (framing === null) throw new ReplayError('itch-framing', 'no messages of ITCH 5.0 are found', { category: 'corrupt', path })
  const decoder = new ItchDecoder(path, parseFileName(name).venue, newYorkMidnight(dateOf(file, settings)), output)
  const ended = await takeAll(blocks, framing, decoder)
  const offset = blocks.position
  if (ended === 'lost') badFrame('where the next message begins cannot be told any more', path, offset, output)
  else if (ended === 'end') {
    if (await hasMore(blocks)) badFrame('a length of 0 ends the messages, but more follows', path, offset, output)
  } else if (blocks.end > blocks.start || framing.isInside) {
    if (timesCutShort(output) > cutShortBefore) tally.leave('cut off')
    else tally.bad('truncated', 'the file ends inside a message: was its download cut short?', { path, offset })
  }
  decoder.finish()
}

async function takeAll(blocks: Blocks, framing: Framing, decoder: ItchDecoder): Promise<'all' | 'end' | 'lost'> {
  for (;;) {
    decoder.base = blocks.position - blocks.start
    const taken = framing.take(blocks, decoder)
    if (taken !== 'all') return taken
    if (!(await blocks.more())) return taken
  }
}

/** Whether anything but zeros follows. */
async function hasMore(blocks: Blocks): Promise<boolean> {
  do {
    for (let at = blocks.start; at < blocks.end; at++) if (blocks.bytes[at] !== 0) return true
    blocks.start = blocks.end
  } while (await blocks.more())
  return false
}

/** Nothing behind it can be read. @throws ReplayError corrupt `itch-frame` unless damage is skipped */
function badFrame(message: string, path: string, offset: number, { tally }: ImportOutput): void {
  try {
    tally.bad('frame', message, { path, offset })
  } catch (cause) {
    throw new ReplayError('itch-frame', `${message}; --on-error skip keeps what came before`, { category: 'corrupt', path, offset, cause })
  }
  tally.note('files not read to their end')
}

/** How many files were kept although their compression ends too early. */
function timesCutShort({ tally }: ImportOutput): number {
  let times = 0
  for (const [what, count] of Object.entries(tally.counts.noted)) if (what.startsWith('files cut short')) times += count
  return times
}

/** pcap in both byte orders and resolutions, pcapng. */
const CAPTURE_MAGICS = [
  [0xd4, 0xc3, 0xb2, 0xa1],
  [0xa1, 0xb2, 0xc3, 0xd4],
  [0x4d, 0x3c, 0xb2, 0xa1],
  [0xa1, 0xb2, 0x3c, 0x4d],
  [0x0a, 0x0d, 0x0d, 0x0a],
]
