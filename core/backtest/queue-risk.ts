import type { QueueModel } from './queue-model.ts'

/** Risk-averse: what leaves a queue leaves it behind the order, until the level is smaller than the order's place. */
export class RiskAverseQueue implements QueueModel {
  ahead(ahead: number, _previous: number, next: number): number {
    return Math.min(ahead, next)
  }
}
