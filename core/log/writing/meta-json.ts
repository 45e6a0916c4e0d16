/** The text of a `meta.json` (docs/format.md, Archives): bigints are plain JSON integers above 2^53, which JSON.stringify writes for no type of its own. */
export function metaJson(meta: Readonly<Record<string, unknown>>): string {
  const json = JSON.stringify(meta, (_key, value) => (typeof value === 'bigint' ? `${INTEGER_MARK}${value}` : value), 1)
  return `${json.replaceAll(new RegExp(`"${INTEGER_MARK}(\\d+)"`, 'g'), '$1')}\n`
}

const INTEGER_MARK = 'integer:'
