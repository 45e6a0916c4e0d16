import type { Contract } from './contract.ts'
import { type FeeModel, feeOf } from './fee-model.ts'
import type { Side } from './order-terms.ts'

/**
 * What fills come to, by the rules of BACKTEST §8. The position is counted in lots, and for linear contracts cash and turnover in
 * ticks × lots: whole numbers, exact up to 2^53, so that they are those of the fills to the last digit.
 */
export class Account {
  /** Lots; negative: short. */
  positionLots = 0
  /** Σ −side · lots · tick. */
  cashUnits = 0
  /** Σ lots. */
  volumeLots = 0
  /** Σ lots · tick. */
  valueUnits = 0
  /** Σ −side · amount and Σ amount of inverse contracts, which no grid holds. */
  #inverseCash = 0
  #inverseValue = 0
  fee = 0
  fills = 0
  makerFills = 0
  minPositionLots = 0
  maxPositionLots = 0
  readonly #contract: Contract
  readonly #fees: FeeModel

  constructor(contract: Contract, fees: FeeModel) {
    this.#contract = contract
    this.#fees = fees
  }

  clear(): void {
    this.positionLots = 0
    this.cashUnits = 0
    this.volumeLots = 0
    this.valueUnits = 0
    this.#inverseCash = 0
    this.#inverseValue = 0
    this.fee = 0
    this.fills = 0
    this.makerFills = 0
    this.minPositionLots = 0
    this.maxPositionLots = 0
  }

  /** Takes a fill; gives its fee. */
  add(side: Side, tick: number, lots: number, isMaker: boolean): number {
    const contract = this.#contract
    const amount = contract.amount(tick, lots)
    this.positionLots += side * lots
    this.volumeLots += lots
    if (contract.isInverse) {
      this.#inverseCash -= side * amount
      this.#inverseValue += amount
    } else {
      this.cashUnits -= side * lots * tick
      this.valueUnits += lots * tick
    }
    const fee = feeOf(this.#fees, side, isMaker, lots * contract.lot, amount)
    this.fee += fee
    this.fills++
    if (isMaker) this.makerFills++
    if (this.positionLots > this.maxPositionLots) this.maxPositionLots = this.positionLots
    if (this.positionLots < this.minPositionLots) this.minPositionLots = this.positionLots
    return fee
  }

  /** In the instrument's unit of quantity. */
  get position(): number {
    return this.positionLots * this.#contract.lot
  }

  /** Without fees: of linear contracts in the quote currency; of inverse ones in the base coin with the sign of the linear rule. */
  get cash(): number {
    return this.#contract.isInverse ? this.#inverseCash : this.cashUnits * this.#contract.unit
  }

  /** Volume in the instrument's unit of quantity. */
  get volume(): number {
    return this.volumeLots * this.#contract.lot
  }

  /** Sum of the amounts of all fills. */
  get turnover(): number {
    return this.#contract.isInverse ? this.#inverseValue : this.valueUnits * this.#contract.unit
  }

  /** Cash and position at a mid price, fees off; NaN when it needs a mid that there is not. */
  equity(mid: number): number {
    const { isInverse } = this.#contract
    const worth = this.positionLots === 0 ? 0 : this.#contract.worth(this.position, mid)
    return (isInverse ? -this.cash - worth : this.cash + worth) - this.fee
  }
}
