export { bytesText, countText, rateText } from '../core/number-text.ts'

/** One JSON document; 64-bit values are decimal strings. */
export function jsonText(value: unknown): string {
  return `${JSON.stringify(value, (_key, item) => (typeof item === 'bigint' ? String(item) : item))}\n`
}

/** A cell of a table, on one line. */
export function cellText(cell: string | number | null): string {
  return lineText(String(cell ?? '–'))
}

/** Rows as an aligned text table; numbers to the right. Null: there is none. */
export function tableText(header: readonly string[], rows: readonly (readonly (string | number | null)[])[]): string {
  const cells = [header, ...rows.map((row) => row.map(cellText))]
  const widths = header.map((_, column) => Math.max(...cells.map((row) => row[column]!.length)))
  const isNumber = header.map(
    (_, column) => rows.length > 0 && rows.every((row) => row[column] === null || typeof row[column] === 'number'),
  )
  return cells
    .map(
      (row) =>
        `${row
          .map((cell, column) => (isNumber[column] ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!)))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('')
}

/** `1723161255088169167` → `2024-08-07T23:54:15.088169167Z` */
export function timeText(timestampNs: bigint): string {
  const seconds = timestampNs / 1_000_000_000n
  const limit = 8_640_000_000_000n // what Date can hold
  if (seconds > limit) return `${timestampNs} ns`
  const whole = new Date(Number(seconds) * 1000).toISOString().slice(0, 19)
  return `${whole}.${String(timestampNs % 1_000_000_000n).padStart(9, '0')}Z`
}

/** Words as a shell takes them: quoted where they have to be. */
export function commandText(words: readonly string[]): string {
  return words.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)).join(' ')
}

/** An option with its value, in one word where the value begins like an option. */
export function optionWords(name: string, value: string): string[] {
  return value.startsWith('-') ? [`--${name}=${value}`] : [`--${name}`, value]
}

/** Names as an option with a list takes them: in quotes where they have a comma, a quote or a space at an end. */
export function listText(names: readonly string[]): string {
  return names.map((name) => (/,|^"|^\s|\s$|^$/.test(name) ? `"${name.replaceAll('"', '""')}"` : name)).join(',')
}

/** Text in one line: control characters are shown as JSON shows them. */
export function lineText(text: string): string {
  return text.replace(/\p{Cc}/gu, (character) => JSON.stringify(character).slice(1, -1))
}

/** `0.0123` → `$0.012` */
export function dollarsText(dollars: number): string {
  return `$${dollars < 1 ? dollars.toPrecision(2) : dollars.toFixed(2)}`
}
