/** Message types of protocol v3 (record `typeId`, docs/format.md, Messages). */
export const TYPE_BOOK_EVENT = 0x1000
export const TYPE_BOOK_TICKER = 0x1001
export const TYPE_TRADE = 0x1002
