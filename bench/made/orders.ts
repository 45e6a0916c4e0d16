import { randomOf } from '../simulation/random.ts'

/** An order as generators know it. */
export interface MadeOrder {
  readonly id: number
  readonly instrument: number
  readonly isSell: boolean
  /** In ticks. */
  price: number
  size: number
}

export type OrderAction = 'add' | 'cancel' | 'modify' | 'execute'

/** Orders of a market that come and go: about as many adds as cancels, few that are changed, fewer that are executed. */
export class MadeOrders {
  /** Of the last step. */
  action: OrderAction = 'add'
  order: MadeOrder = { id: 0, instrument: 0, isSell: false, price: 0, size: 0 }
  readonly #random = randomOf(1)
  readonly #open: MadeOrder[] = []
  readonly #instruments: number
  #nextId = 1_000_000

  /** @param instruments a few of them have most of the orders */
  constructor(instruments: number) {
    this.#instruments = instruments
  }

  /** An integer below `limit`. */
  below(limit: number): number {
    return Math.floor(this.#random() * limit)
  }

  /** An id that no order had. */
  newId(): number {
    this.#nextId += 1 + this.below(9)
    return this.#nextId
  }

  step(): void {
    const choice = this.#random()
    if (this.#open.length < MIN_OPEN || (choice < 0.48 && this.#open.length < MAX_OPEN)) {
      this.#add()
      return
    }
    // Those that came last go first, mostly.
    const at = this.#open.length - 1 - Math.floor(this.#random() ** 4 * this.#open.length)
    this.order = this.#open[at]!
    this.action = choice > 0.97 ? 'execute' : choice > 0.9 ? 'modify' : 'cancel'
    if (this.action === 'execute') this.order.size -= LOT
    if (this.action === 'cancel' || this.order.size === 0) this.#remove(at)
  }

  /** Puts another order in the place of one that is open. */
  replace(old: MadeOrder, id: number, price: number, size: number): void {
    this.#open[this.#open.indexOf(old)] = { ...old, id, price, size }
  }

  #add(): void {
    const instrument = Math.floor(this.#random() ** 3 * this.#instruments)
    const isSell = this.#random() < 0.5
    const price = 40_000 + (isSell ? 1 : -1) * Math.floor(this.#random() ** 2 * 200)
    this.action = 'add'
    this.order = { id: this.newId(), instrument, isSell, price, size: LOT * (1 + this.below(9)) }
    this.#open.push(this.order)
  }

  #remove(at: number): void {
    this.#open[at] = this.#open.at(-1)!
    this.#open.pop()
  }
}

/** What an execution takes. */
export const LOT = 100
const MIN_OPEN = 4000
const MAX_OPEN = 50_000
