import { expect, test } from 'vitest'
import { ConsoleSink } from '../../core/sink/console-sink.ts'
import { batchOf, tickerMessage, tradeMessage } from '../support/batches.ts'

test('a line per message, up to the limit; then how many more', async () => {
  let text = ''
  const sink = new ConsoleSink({
    limit: 3,
    write: (piece) => {
      text += piece
    },
  })
  sink.write(batchOf([tradeMessage(2n ** 64n - 1n, 1_700_000_000_123_456_789n), tickerMessage(1n, 2n ** 64n - 1n)]))
  sink.write(batchOf([tradeMessage(2n, 0n), tradeMessage(3n, 0n)], { symbol: null }))
  sink.write(batchOf([tradeMessage(4n, 0n)]))
  await sink.flush()
  await sink.close()
  expect(text.split('\n')).toEqual([
    '18446744073709551615  2023-11-14T22:13:20.123456789Z  0x1002  BTC-USD  64',
    '1  2554-07-21T23:34:33.709551615Z  0x1001  BTC-USD  48',
    '2  1970-01-01T00:00:00.000000000Z  0x1002  -  64',
    '… 2 more messages not shown',
    '',
  ])
})
