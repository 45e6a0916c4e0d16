import type { ListObjectsV2Command } from '@aws-sdk/client-s3'

/** An object of a page, with its key in the bucket. */
export interface ListedObject {
  readonly key: string
  /** Bytes. */
  readonly size: number
  readonly etag: string
  /** Milliseconds since the epoch. */
  readonly modifiedMs: number
}

/**
 * Takes the objects out of a page before the SDK reads it, whose parser of XML makes a page of a thousand cost more than the wait for it;
 * whatever else is in the answer, errors too, is read by the SDK.
 * @param onObjects hears of those of the page, in its order
 */
export function takeContents(command: ListObjectsV2Command, onObjects: (objects: ListedObject[]) => void): void {
  command.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args)
      const response = result.response as { readonly statusCode: number; body: unknown }
      if (response.statusCode !== 200) return result
      const pieces: Uint8Array[] = []
      for await (const piece of response.body as AsyncIterable<Uint8Array>) pieces.push(piece)
      const { objects, rest } = splitPage(Buffer.concat(pieces).toString())
      onObjects(objects)
      response.body = Buffer.from(rest)
      return result
    },
    // Nearer to the network than the SDK's own, which is of high priority.
    { step: 'deserialize', name: 'takeContents', priority: 'low' },
  )
}

/** The objects of a page of XML, and the page without them. */
export function splitPage(page: string): { readonly objects: ListedObject[]; readonly rest: string } {
  const objects: ListedObject[] = []
  let rest = ''
  let at = 0
  for (let begin = page.indexOf(OPEN); begin >= 0; begin = page.indexOf(OPEN, at)) {
    const end = page.indexOf(CLOSE, begin)
    if (end < 0) break
    rest += page.slice(at, begin)
    const textOf = (open: string): string => {
      const from = page.indexOf(open, begin) + open.length
      return from < open.length || from > end ? '' : decoded(page.slice(from, page.indexOf('<', from)))
    }
    // A slice, which names in listings are, would keep all of its page alive.
    const key = Buffer.from(textOf('<Key>')).toString()
    objects.push({ key, size: Number(textOf('<Size>')), etag: textOf('<ETag>'), modifiedMs: Date.parse(textOf('<LastModified>')) || 0 })
    at = end + CLOSE.length
  }
  return { objects, rest: rest + page.slice(at) }
}

const OPEN = '<Contents>'
const CLOSE = '</Contents>'

function decoded(text: string): string {
  return text.includes('&') ? text.replaceAll(/&(#x[\da-f]+|#\d+|\w+);/gi, (_, entity: string) => characterOf(entity)) : text
}

function characterOf(entity: string): string {
  if (!entity.startsWith('#')) return NAMED[entity] ?? `&${entity};`
  return String.fromCodePoint(Number(entity[1]!.toLowerCase() === 'x' ? `0${entity.slice(1)}` : entity.slice(1)))
}

const NAMED: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }
