import { ReplayError } from '../errors.ts'

/**
 * The depth limit that a stream's `meta.json` asks for (`depth_limit`: levels per side that the exchange keeps up to date),
 * or undefined when it has none.
 * @throws ReplayError input `meta-json` when the text is not JSON or the limit is not a whole number ≥ 1
 */
export function depthLimitOf(metaJson: string | Uint8Array, path = ''): number | undefined {
  const place = { category: 'input', ...(path === '' ? {} : { path }) } as const
  let meta: { readonly depth_limit?: unknown } | null
  try {
    meta = JSON.parse(typeof metaJson === 'string' ? metaJson : new TextDecoder().decode(metaJson)) as typeof meta
  } catch (cause) {
    throw new ReplayError('meta-json', 'meta.json of the stream: not JSON', { ...place, cause })
  }
  const limit = meta?.depth_limit
  if (limit === undefined || limit === null) return undefined
  if (typeof limit === 'number' && Number.isSafeInteger(limit) && limit >= 1) return limit
  throw new ReplayError(
    'meta-json',
    `meta.json of the stream: depth_limit: expected a whole number ≥ 1, found ${JSON.stringify(limit)}`,
    place,
  )
}
