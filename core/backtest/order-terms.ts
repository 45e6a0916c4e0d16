/** What orders are and what becomes of them: numbers on the hot path, with their names for rows and users. */

/** Side of an order, of a trade's taker, or of a book's levels. */
export type Side = 1 | -1
export const BUY = 1
export const SELL = -1

export type TimeInForce = 'gtc' | 'gtx' | 'ioc' | 'fok'
/** Good till cancelled: takes what it can, rests with what is left. */
export const GTC = 0
/** Post only: expires if it would take. */
export const GTX = 1
/** Immediate or cancel: takes what it can, what is left expires. */
export const IOC = 2
/** Fill or kill: takes all at once, or expires whole. */
export const FOK = 3
export const TIME_IN_FORCE_NAMES: readonly TimeInForce[] = ['gtc', 'gtx', 'ioc', 'fok']

export type OrderStatus = 'sent' | 'new' | 'partially-filled' | 'filled' | 'canceled' | 'expired'
/** Sent, not confirmed yet. */
export const SENT = 0
export const NEW = 1
export const PARTIALLY_FILLED = 2
export const FILLED = 3
export const CANCELED = 4
export const EXPIRED = 5
export const STATUS_NAMES: readonly OrderStatus[] = ['sent', 'new', 'partially-filled', 'filled', 'canceled', 'expired']
/** Statuses from here on are final. */
export const FIRST_ENDED = FILLED

export type OrderRequest = 'none' | 'new' | 'cancel' | 'modify'
export const NO_REQUEST = 0
export const REQUEST_NEW = 1
export const REQUEST_CANCEL = 2
export const REQUEST_MODIFY = 3
export const REQUEST_NAMES: readonly OrderRequest[] = ['none', 'new', 'cancel', 'modify']

/**
 * Why an order was filled.
 *
 * | queue   | a trade at its price reached its place in the queue (L3: executed an order behind it)      |
 * | through | a trade at a price beyond its own                                                          |
 * | cross   | the other side of the book came to its price: no trade is needed                            |
 * | take    | it took what the other side of the book showed when it arrived                              |
 */
export type FillReason = 'queue' | 'through' | 'cross' | 'take'
export const BY_QUEUE = 0
export const BY_THROUGH = 1
export const BY_CROSS = 2
export const BY_TAKE = 3
export const REASON_NAMES: readonly FillReason[] = ['queue', 'through', 'cross', 'take']
