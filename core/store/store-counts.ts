/** What a store was asked for so far, for metrics and bills. Each try counts, as each is paid for. */
export interface StoreCounts {
  /** Requests for objects or ranges of them, and for their headers. */
  gets: number
  /** Writes: of objects, of their parts, beginnings and ends of uploads in parts. */
  puts: number
  /** Pages of listings. */
  lists: number
  deletes: number
  /** Requests that were made again after a transient failure. */
  retries: number
  /** Bytes of objects received. */
  bytesRead: number
  /** Bytes of objects sent. */
  bytesWritten: number
}

export function newStoreCounts(): StoreCounts {
  return { gets: 0, puts: 0, lists: 0, deletes: 0, retries: 0, bytesRead: 0, bytesWritten: 0 }
}
