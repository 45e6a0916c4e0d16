/** One JSON document; 64-bit values are decimal strings. */
export function jsonText(value: unknown): string {
  return `${JSON.stringify(value, (_key, item) => (typeof item === 'bigint' ? String(item) : item))}\n`
}

/** Rows as an aligned text table; numbers to the right. */
export function tableText(header: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const cells = [header, ...rows.map((row) => row.map(String))]
  const widths = header.map((_, column) => Math.max(...cells.map((row) => row[column]!.length)))
  const isNumber = header.map((_, column) => rows.length > 0 && rows.every((row) => typeof row[column] === 'number'))
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

/** `1234567` → `1.2 MB` */
export function bytesText(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB']
  let value = bytes
  let unit = 0
  for (; value >= 999.5 && unit < units.length - 1; unit++) value /= 1000
  return `${unit === 0 ? value : value.toPrecision(3)} ${units[unit]}`
}

/** `1234567` → `1,234,567` */
export function countText(count: number): string {
  return count.toLocaleString('en-US')
}

/** `12345678` messages per second → `12.3 M/s` */
export function rateText(perSecond: number): string {
  if (perSecond >= 1e6) return `${(perSecond / 1e6).toFixed(1)} M/s`
  return perSecond >= 1e3 ? `${(perSecond / 1e3).toFixed(1)} k/s` : `${perSecond.toFixed(0)}/s`
}
