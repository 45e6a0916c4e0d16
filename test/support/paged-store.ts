import type { KeyStretch, ObjectInfo, ObjectStore } from '../../core/store/object-store.ts'

/** A store that only lists, a page at a time: whoever lists waits for each. */
export class PagedStore implements ObjectStore {
  readonly uri = 's3://paged/archive'
  pages = 0
  readonly #count: number
  readonly #infoAt: (index: number) => ObjectInfo
  readonly #answer: () => Promise<void>
  readonly #page: number

  /** @param infoAt in ascending order of key; @param answer is over when a page is there; @param page keys or folders of one, S3's by default */
  constructor(count: number, infoAt: (index: number) => ObjectInfo, answer: () => Promise<void>, page = 1000) {
    this.#count = count
    this.#infoAt = infoAt
    this.#answer = answer
    this.#page = page
  }

  async get(): Promise<null> {
    return null
  }

  async put(): Promise<null> {
    return null
  }

  async delete(): Promise<void> {}

  async *list(prefix: string, _onOdd?: unknown, { after, upTo }: KeyStretch = { after: null, upTo: null }): AsyncGenerator<ObjectInfo> {
    let at = after === null ? this.#first((key) => key >= prefix) : this.#first((key) => key > after && key >= prefix)
    while (true) {
      await this.#nextPage()
      for (const end = at + this.#page; at < end; at++) {
        const info = at < this.#count ? this.#infoAt(at) : null
        if (info === null || !info.key.startsWith(prefix) || (upTo !== null && info.key > upTo)) return
        yield info
      }
    }
  }

  async *folders(prefix: string): AsyncGenerator<string> {
    let at = this.#first((key) => key >= prefix)
    for (let given = 0; ; ) {
      if (given % this.#page === 0) await this.#nextPage()
      const key = at < this.#count ? this.#infoAt(at).key : ''
      if (!key.startsWith(prefix)) return
      const slash = key.indexOf('/', prefix.length)
      if (slash < 0) at++
      else {
        const folder = key.slice(0, slash + 1)
        given++
        yield folder
        at = this.#first((each) => each > folder && !each.startsWith(folder), at)
      }
    }
  }

  async #nextPage(): Promise<void> {
    this.pages++
    await this.#answer()
  }

  /** The first index whose key is that far. */
  #first(isFar: (key: string) => boolean, from = 0): number {
    let [low, high] = [from, this.#count]
    while (low < high) {
      const middle = (low + high) >>> 1
      if (isFar(this.#infoAt(middle).key)) high = middle
      else low = middle + 1
    }
    return low
  }
}

/** Answers of stores that are asked at the same time come at the same time: counts how often someone waited. */
export class Rounds {
  count = 0
  #waiting: (() => void)[] = []

  readonly answer = (): Promise<void> => {
    if (this.#waiting.length === 0) setImmediate(() => this.#end())
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  #end(): void {
    this.count++
    const waiting = this.#waiting
    this.#waiting = []
    for (const resolve of waiting) resolve()
  }
}
