/** A value that was given in place of another, as messages show it: what JSON cannot hold (bigints, cycles, functions), too. */
export function shownValue(value: unknown): string {
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value === 'number' || typeof value === 'function' || value === undefined) return String(value)
  try {
    return JSON.stringify(value, (_key, item: unknown) => (typeof item === 'bigint' ? `${item}n` : item)) ?? String(value)
  } catch {
    return String(value)
  }
}
